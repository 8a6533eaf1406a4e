"""The text of the file as entries, and everything that is wrong with it, each with its line and the way out."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from kpis.importers.located import Located, Malformed, load
from slo_portal.config.calendars import Calendars
from slo_portal.config.entries import Entry, Secret, Section, Wrong
from slo_portal.config.escalating import EscalationPolicies
from slo_portal.config.notifying import FROM_ENVIRONMENT, SECRETS, Channels, Rotas
from slo_portal.config.objectives import POLICIES, SHARED, Objectives
from slo_portal.config.schedules import Schedules
from slo_portal.config.shapes import Shape, choices, schema
from slos.catalogue import POLICIES as POLICIES_KEY
from slos.catalogue import POLICY, with_policies

LONGEST = 2_000_000  # characters
MOST = 100  # problems that are told; the rest is counted
SECTIONS: tuple[Section, ...] = (  # as applied
    *(Calendars(), Objectives()),
    *(Channels(), Rotas(), EscalationPolicies(), Schedules()),
)
SHAPES: Mapping[str, Shape] = {POLICIES_KEY: POLICIES, **{section.name: section.shape for section in SECTIONS}}
NOT_HERE = {
    "retention": "what is kept for how long is fixed, so that figures can be computed; docs/reference/retention.md "
    "names it. Leave it out.",
}
WORDS = {
    "`float`": "a number", "`int`": "a whole number", "`str`": "text", "`bool`": "true or false", "`null`": "nothing",
    "`array`": "a list", "`object`": "a mapping", "`date`": "a date such as 2026-12-31", "`datetime`": "a time",
}  # fmt: skip
Path = tuple[Hashable, ...]


class Problem(NamedTuple):
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.message}" if self.path else f"line {self.line}: {self.message}"


@dataclass
class Configuration:
    """What the file says, by section; entries with a problem are left out of it."""

    located: Located
    sections: dict[str, list[Entry]] = field(default_factory=dict)
    paths: dict[tuple[str, str], Path] = field(default_factory=dict)  # of each entry, by section and name
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, path: Path, message: str) -> None:
        self.problems.append(Problem(self.located.line(path), _shown(path, self.located.value), message))

    def wrong_entry(self, section: str, name: str, found: Wrong) -> None:
        """What the models say of an entry; a value that it has from its budget policy is looked for there."""
        path = self.paths[section, name]
        for key, message in found.items():
            inside = (*path, key) if (*path, key) in self.located.lines else self._policy(path, key)
            self.wrong(inside, message)

    def _policy(self, path: Path, key: str) -> Path:
        entry = _at(self.located.value, path)
        own = isinstance(entry, dict) and self.paths.get((POLICIES_KEY, str(entry.get(POLICY))))
        return (*own, key) if own and (*own, key) in self.located.lines else (*path, key)


def read(text: str, environ: Mapping[str, str] | None) -> Configuration:
    """Secrets are taken from `environ`; without one they are not looked up, and not compared."""
    try:
        found = Configuration(load(text, LONGEST))
    except Malformed as error:
        line, _, message = str(error).removeprefix("line ").partition(": ")
        problem = Problem(int(line), "", message) if line.isdecimal() else Problem(1, "", str(error))
        return Configuration(Located(None), problems=[problem])
    return check(found, environ)


def check(found: Configuration, environ: Mapping[str, str] | None) -> Configuration:
    """Fill it from what is located."""
    raw = _sections(found)
    for name, shape in SHAPES.items():
        if name in raw:
            found.sections[name] = [_with_secrets(found, *one, environ) for one in _entries(found, name, shape, raw)]
    policies = {policy["name"]: policy for policy in found.sections.pop(POLICIES_KEY, ())}
    if "slos" in found.sections:
        found.sections["slos"] = list(_with_policies(found, policies))
    _check(found)
    found.problems.sort()
    return found


def _sections(found: Configuration) -> dict[str, Any]:
    value = found.located.value
    if not isinstance(value, dict):
        found.wrong((), "Expected a mapping with `version: 1` and sections. See docs/reference/slo-rules.md.")
        return {}
    if "version" not in value:
        found.wrong((), "`version` is missing: write `version: 1`.")
    elif value["version"] != 1 or isinstance(value["version"], bool):
        found.wrong(("version",), f"{value['version']!r:.40} is not a version of this format. Write 1.")
    for key in value:
        if key not in SHAPES and key != "version":
            found.wrong((key,), NOT_HERE.get(key) or _unknown(key, SHAPES))
    return {key: one for key, one in value.items() if key in SHAPES}


def _entries(found: Configuration, section: str, shape: Shape, raw: Mapping[str, Any]) -> Iterator[tuple[Path, Entry]]:
    """Those whose shape is right, and whose name is new."""
    if not isinstance(raw[section], list):
        found.wrong((section,), f"Expected a list of entries, got {_kind(raw[section])}. Begin each with `- name:`.")
        return
    for index, value in enumerate(raw[section]):
        path: Path = (section, index)
        before = len(found.problems)
        entry = _entry(found, path, value, shape)
        name = entry.get("name")
        if isinstance(name, str) and (section, name) in found.paths:
            first = found.located.line(found.paths[section, name])
            found.wrong((*path, "name"), f"{name!r} stands in line {first} already. Give each entry its own name.")
        elif isinstance(name, str):
            found.paths[section, name] = path
            if len(found.problems) == before:
                yield path, entry


def _entry(found: Configuration, path: Path, value: Any, shape: Shape) -> Entry:
    """Each value by its type; what is wrong is told and left out."""
    if not isinstance(value, dict):
        found.wrong(path, f"Expected a mapping with {', '.join(sorted(shape.required))}, got {_kind(value)}.")
        return {}
    for key in sorted(shape.required - value.keys()):
        found.wrong(path, f"`{key}` is missing.")
    entry: Entry = {}
    for key, given in value.items():
        if key not in shape.keys:
            found.wrong((*path, key), _unknown(key, shape.keys))
        elif isinstance(kind := shape.keys[key], Shape):
            entry[key] = _list(found, (*path, key), given, kind)
        elif wrong := _wrong(given, kind):
            found.wrong((*path, key), wrong)
        else:
            entry[key] = msgspec.convert(given, kind)
    if entry.get("name") == "":
        found.wrong((*path, "name"), "It is empty: write what people call it.")
    return entry


def _list(found: Configuration, path: Path, value: Any, shape: Shape) -> list[Entry]:
    if not isinstance(value, list):
        found.wrong(path, f"Expected a list, got {_kind(value)}.")
        return []
    return [_entry(found, (*path, index), one, shape) for index, one in enumerate(value)]


def _wrong(given: Any, kind: Any) -> str:
    if "\0" in str(given):
        return "It holds a NUL character, which nothing can store. Remove it."
    try:
        msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        return _said(str(error), given, kind)
    except (OverflowError, RecursionError):
        return "The number is too large."
    return ""


def _said(message: str, given: Any, kind: Any) -> str:
    """msgspec's words as ours, with the way out. A value is named only where it is a choice: others may be secret."""
    message, _, at = message.partition(" - at `$")
    where = f" at {at.rstrip('`')}" if at else ""
    if message.startswith("Invalid enum value") or (choices(kind) and "Expected" in message and not at):
        return f"{given!r:.60} is none of {', '.join(map(str, choices(kind)))}{where}."
    if kind is FROM_ENVIRONMENT:
        return "A secret does not stand in the file: write ${NAME}, and set NAME in the environment."
    if "matching regex" in message:
        return f"{given!r:.60} is not written so. {_description(kind)}"
    for word, ours in WORDS.items():
        message = message.replace(word, ours)
    quotes = " Put it in quotes." if "Expected text, got" in message and "list" not in message else ""
    return f"{message}{where}.{quotes}"


def _description(kind: Any) -> str:
    parts = getattr(kind, "__metadata__", ())
    return next((part.description for part in parts if getattr(part, "description", None)), "")


def _with_secrets(found: Configuration, path: Path, entry: Entry, environ: Mapping[str, str] | None) -> Entry:
    for key in SECRETS:
        if key in entry:
            name = entry.pop(key)[2:-1]
            if environ is not None and not environ.get(name):
                found.wrong((*path, key), f"{name} is not set in the environment. Set it, or leave `{key}` out.")
            elif environ is not None:
                entry[key] = Secret(environ[name])
    return entry


def _with_policies(found: Configuration, policies: Mapping[str, Entry]) -> Iterator[Entry]:
    for entry in found.sections["slos"]:
        named = entry.get(POLICY)
        if named is None or named in policies:
            yield from with_policies([entry], {name: _shared(policy) for name, policy in policies.items()})
        elif (POLICIES_KEY, named) not in found.paths:  # else the policy itself has been complained of
            path = (*found.paths["slos", entry["name"]], POLICY)
            found.wrong(path, f"There is no budget policy {named!r}. {_unknown(named, policies)}")


def _shared(policy: Entry) -> Entry:
    return {key: value for key, value in policy.items() if key in SHARED}


def _check(found: Configuration) -> None:
    """What the models find in each entry by itself; an entry with a problem is left out."""
    for section in SECTIONS:
        sound = []
        for entry in found.sections.get(section.name, ()):
            if wrong := section.check(entry):
                found.wrong_entry(section.name, entry["name"], wrong)
            else:
                sound.append(entry)
        if section.name in found.sections:
            found.sections[section.name] = sound


def _unknown(key: Any, known: Mapping[str, Any]) -> str:
    close = get_close_matches(str(key), known, n=1)
    hint = f"Did you mean `{close[0]}`?" if close else f"Known are {', '.join(known) or 'none'}."
    return f"Unknown. {hint}"


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}.get(type(value), "a number")


def _at(value: Any, path: Path) -> Any:
    for part in path:
        inside: Any = dict(enumerate(value)) if isinstance(value, list) else value
        value = inside.get(part) if isinstance(inside, dict) else None
    return value


def _shown(path: Path, value: Any) -> str:
    """`slos "Approval Latency".target_percentage`: an entry by its name, where it has one."""
    text = ""
    for part in path:
        value = _at(value, (part,))
        if isinstance(part, int):
            name = value.get("name") if isinstance(value, dict) else None
            text += f' "{name:.60}"' if isinstance(name, str) else f" {part + 1}"
        else:
            text += f".{part}" if text else str(part)
    return text


def json_schema() -> dict[str, Any]:
    """Of the file, for editors."""
    return schema(SHAPES)
