"""Reads the imports of the house and says which of them break its rules. Looks at the text only, runs nothing of it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FLOORS = ("accounts", "kpis", "slos", "alerts", "monitoring", "slo_portal")  # a floor may import those before it
APPS_INSIDE = ("slo_portal.reports",)  # each a floor of its own, right below the one that it is in
PURE = (
    "accounts.addresses",
    "accounts.cells",
    "accounts.rates",
    "accounts.request_ids",
    "accounts.totp",
    "accounts.when_needed",
    "alerts.escalation",
    "alerts.escalation",
    "alerts.kinds",
    "alerts.rota",
    "alerts.rules",
    "alerts.rota",
    "alerts.standing",
    "alerts.known",
    "alerts.phrases",
    "alerts.sentences",
    "alerts.transports.guard",
    "alerts.transports.message",
    "alerts.transports.pictures",
    "alerts.transports.texts",
    "alerts.words",
    "kpis.bodies",
    "kpis.capacity",
    "kpis.cursors",
    "kpis.calendars",
    "kpis.change_words",
    "kpis.changes",
    "kpis.events",
    "kpis.figures",
    "kpis.importers",
    "kpis.messages",
    "kpis.fiscal",
    "kpis.periods",
    "kpis.plots",
    "kpis.recurrence",
    "kpis.rounds",
    "kpis.staleness",
    "kpis.stats",
    "kpis.words",
    "kpis.workhours",
    "slo_portal.reports.periods",
    "slos.budget",
    "slos.burn",
    "slos.excluded",
    "slos.forecast",
    "slos.growth",
    "slos.kept",
    "slos.outlook",
    "slos.parts",
    "slos.sensible",
    "slos.words",
    "monitoring.exposition",
    "monitoring.otlp",
    "monitoring.statsd",
    "slo_portal.env",
    "slo_portal.simulation",
)
FACES = ("views", "api", "admin", "management", "urls")
DOORS = ("authentication", "manners", "middleware", "admin_audit", "context")
ASKS_THE_CLOCK = (*FACES, *DOORS, "tasks", "listen")
CLOCKS = {"timezone.now", "datetime.now", "datetime.utcnow", "date.today", "datetime.today", "time.time"}
SIGNALS = ("django.dispatch", "django.db.models.signals", "django.core.signals", "django.contrib.auth.signals")


@dataclass(frozen=True)
class Import:
    target: str  # the dotted name after `import`, or module and name of `from module import name`
    line: int
    local: bool  # inside a function or class


@dataclass(frozen=True)
class Module:
    name: str
    path: Path

    @property
    def app(self) -> str:
        return self.name.split(".")[0]

    @property
    def inside(self) -> str:
        """The app that it is in, which may be inside another one."""
        return next((app for app in APPS_INSIDE if within(self.name, (app,))), self.app)

    @property
    def room(self) -> str:
        return self.name.removeprefix(self.inside).removeprefix(".").partition(".")[0]

    @property
    def height(self) -> tuple[int, bool, int]:
        """Floor, and inside it: pure modules <- models <- verbs <- faces."""
        inside = 0 if within(self.name, PURE) else 1 if self.room == "models" else 3 if self.room in FACES else 2
        return FLOORS.index(self.app), self.inside == self.app, inside

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def imports(self) -> list[Import]:
        return list(self._imports(self.tree, local=False))

    def _imports(self, node: ast.AST, *, local: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, child.lineno, local) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = self._base(child)
                yield from (Import(f"{base}.{alias.name}", child.lineno, local) for alias in child.names)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from self._imports(child, local=local or inside)

    def _base(self, node: ast.ImportFrom) -> str:
        """The absolute name behind `from .x import`."""
        if not node.level:
            return node.module or ""
        keep = len(self.name.split(".")) - node.level + (self.path.name == "__init__.py")
        return ".".join([*self.name.split(".")[:keep], *([node.module] if node.module else [])])

    def calls(self) -> Iterator[tuple[str, int]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ".".join(ast.unparse(node.func).split(".")[-2:]), node.lineno


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


class House:
    def __init__(self, root: Path) -> None:
        paths = [
            path for app in FLOORS for path in sorted((root / app).rglob("*.py")) if "migrations" not in path.parts
        ]
        named = [
            (".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"), path) for path in paths
        ]
        self.modules = {name: Module(name, path) for name, path in named}

    def target(self, name: str) -> Module | None:
        """The module of ours that an import reaches."""
        return self.modules.get(name) or self.modules.get(name.rpartition(".")[0])

    def edges(self) -> Iterator[tuple[Module, Import, Module]]:
        for module in self.modules.values():
            for found in module.imports:
                target = self.target(found.target)
                if target is not None and target is not module:
                    yield module, found, target

    def upward(self) -> list[str]:
        return [
            f"{module.name}:{found.line} reaches up to {target.name}"
            for module, found, target in self.edges()
            if target.height > module.height
        ]

    def circular(self) -> list[str]:
        """Modules that reach themselves. What a package only holds does not count as an import of it."""
        below: dict[str, set[str]] = {name: set() for name in self.modules}
        for module, _, target in self.edges():
            below[module.name].add(target.name)
        return [name for name in below if name in reachable(name, below)]

    def local(self) -> list[str]:
        return [
            f"{module.name}:{found.line} imports {found.target} inside a function or class"
            for module in self.modules.values()
            for found in module.imports
            if found.local
        ]

    def impure(self) -> list[str]:
        """Django in a pure module, or a way to it through another module of ours."""
        return [
            f"{module.name}:{found.line} is pure and imports {found.target}"
            for module in self.modules.values()
            if within(module.name, PURE)
            for found in module.imports
            if within(found.target, ("django", "rest_framework", "celery"))
            or ((target := self.target(found.target)) and not within(target.name, PURE))
        ]

    def asking_the_clock(self) -> list[str]:
        return [
            f"{module.name}:{line} asks the clock by {call}; take `now` as an argument"
            for module in self.modules.values()
            if module.room not in ASKS_THE_CLOCK
            for call, line in module.calls()
            if call in CLOCKS
        ]

    def facing(self) -> list[str]:
        """Faces are imported by urls alone, tasks by nobody."""
        return [
            f"{module.name}:{found.line} imports {target.name}"
            for module, found, target in self.edges()
            if (target.room in FACES and not module.room.endswith("urls") and module.room != target.room)
            or target.room == "tasks"
        ]

    def signalling(self) -> list[str]:
        return [
            f"{module.name}:{found.line} uses signals; call the code directly"
            for module in self.modules.values()
            for found in module.imports
            if within(found.target, SIGNALS)
        ]


def reachable(start: str, below: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(below[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(below[name])
    return found
