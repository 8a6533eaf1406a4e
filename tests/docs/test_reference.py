"""The documentation says what is there: settings, checks, commands, links and examples are read from both sides."""

import ast
import re
import shlex
from argparse import Action
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core import management
from django.core.management import CommandError, find_commands, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
APPS = ("accounts", "kpis", "slos", "alerts", "monitoring", "slo_portal")
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
READERS = {"text", "flag", "number", "words", "get", "getenv"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")


def source(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def variables(path: Path) -> set[str]:
    """The environment variables that a module reads by name."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args]
    named = [(ast.unparse(call.func), call.args[0]) for call in calls]
    return {
        str(first.value)
        for function, first in named
        if function.split(".")[-1] in READERS
        and (function.count(".") == 0 or "environ" in function or function.startswith(("env.", "os.")))
        and isinstance(first, ast.Constant)
        and re.fullmatch(r"[A-Z][A-Z_]+", str(first.value))
    }


def first_cells(page: str, cell: str) -> set[str]:
    """What stands in code at the beginning of the rows of a page's tables."""
    return set(re.findall(rf"^\| `({cell})` \|", (REFERENCE / page).read_text(), re.MULTILINE))


def commands() -> dict[str, BaseCommand]:
    found = [(app, name) for app in APPS for name in find_commands(str(ROOT / app / "management"))]
    return {name: load_command_class(app, name) for app, name in found}


def options(command: BaseCommand) -> list[str]:
    """The arguments that a command has of its own, as its help writes them."""
    every_command_has = {action.dest for action in BaseCommand().create_parser("", "")._actions}
    actions: list[Action] = command.create_parser("", "")._actions
    return [
        action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)
        for action in actions
        if action.dest not in every_command_has
    ]


def section(page: str, heading: str) -> str:
    _, _, rest = (REFERENCE / page).read_text().partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def code(page: Path) -> Iterator[str]:
    """Every piece of code of a page that is no YAML, continued lines joined."""
    text = page.read_text()
    yield from (block for language, block in FENCE.findall(text) if language != "yaml")
    text = FENCE.sub("", text)
    yield from INDENTED.findall(text)
    yield from INLINE.findall(text)


def lines(page: Path) -> Iterator[str]:
    for piece in code(page):
        yield from piece.replace("\\\n", " ").splitlines()


def command_lines(page: Path) -> Iterator[list[str]]:
    """The arguments behind each `manage.py`, up to a redirection or the end of a substitution."""
    for line in lines(page):
        for rest in re.findall(r"\bmanage\.py\s+([a-z_]+[^<>|#]*)", line):
            yield shlex.split(re.sub(r"\$\([^()]*\)", "1", rest).partition(")")[0])


def slugs(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_environment_variable_is_documented_and_no_other():
    read = {name for path in source(*APPS) for name in variables(path)}
    assert read >= {"DATABASE_URL", "PORT", "DEBUG", "ALLOWED_HOSTS", "ENV_FILE", "DATA_DIR"}
    assert first_cells("settings.md", "[A-Z][A-Z_]+") == read


def test_every_system_check_is_documented_and_no_other():
    text = "".join((ROOT / "slo_portal" / name).read_text() for name in ("env.py", "checks.py"))
    known = set(re.findall(r'"(?:slo_portal\.)?([EW]\d{3})"', text))
    assert known >= {"E001", "E008", "W001"}
    assert first_cells("settings.md", r"slo_portal\.[EW]\d{3}") == {f"slo_portal.{code}" for code in known}


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented_with_all_its_options(name):
    text = section("commands.md", f"manage.py {name}")
    assert text
    if name not in find_commands(management.__path__[0]):  # Django documents its own
        assert [option for option in options(commands()[name]) if f"`{option}" not in text] == []


def test_the_options_that_are_looked_for_are_the_real_ones():
    assert {"--mapping", "--dry-run", "FILE"} <= set(options(commands()["import_invoices"]))
    assert options(commands()["bootstrap"]) == []


def test_every_make_target_is_documented():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"run", "test"}
    assert first_cells("commands.md", "make [a-z-]+") == {f"make {target}" for target in targets}


def test_every_key_of_the_default_objectives_is_documented():
    rules = yaml.safe_load((ROOT / "monitoring" / "slo-rules.yml").read_text())
    keys = set(rules) | {key for slo in rules["slos"] for key in slo}
    assert "sli_type" in keys
    assert keys <= first_cells("slo-rules.md", r"\w+")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_and_commands_what_exists(page):
    assert list(broken_links(page)) == []
    assert list(broken_commands(page)) == []
    for language, block in FENCE.findall(page.read_text()):
        if language == "yaml":
            assert yaml.safe_load(block)


def broken_links(page: Path) -> Iterator[str]:
    for target, anchor in LINK.findall(page.read_text()):
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in slugs(path)):
            yield f"{target}#{anchor}"


def broken_commands(page: Path) -> Iterator[str]:
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in lines(page):
        yield from (f"make {name}" for name in re.findall(r"^\s*make ([a-z-]+)", line) if name not in targets)
    for name, *arguments in command_lines(page):
        try:
            known = parser(name)
            if arguments:  # without any it is only mentioned
                known.parse_args(arguments)
        except (CommandError, KeyError) as error:
            yield f"{name} {arguments}: {error}"


def parser(name: str) -> CommandParser:
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    return command.create_parser("manage.py", name)


def test_what_is_broken_is_found(tmp_path):
    page = tmp_path / "page.md"
    links = "[a](b.md) [c](page.md#nowhere) [d](#here)\n\n# Here\n"
    page.write_text(f"{links}\n    make nothing\n\nand `manage.py bootstrap --all`\n")
    assert list(broken_links(page)) == ["b.md#", "page.md#nowhere"]
    assert len(list(broken_commands(page))) == 2
