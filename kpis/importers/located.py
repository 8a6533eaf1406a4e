"""YAML whose every key knows its line, so that an error can name both."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[Hashable, ...]
MAX_SIZE = 200_000


class Malformed(ValueError):
    """The text is not YAML, or says a thing twice; the message names the line."""


@dataclass(frozen=True)
class Located:
    """The value of a YAML text, and the line of each key or list entry by its path."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def where(self, path: Iterable[Hashable]) -> str:
        """`line 7, fields.ready_at` for a path; the line is that of the innermost part that the text has."""
        known = tuple(path)
        name = ".".join(str(part) for part in known) or "the mapping"
        while known and known not in self.lines:
            known = known[:-1]
        return f"line {self.lines.get(known, 1)}, {name}"


def load(text: str) -> Located:
    """Raises Malformed."""
    if len(text) > MAX_SIZE:
        raise Malformed(f"longer than {MAX_SIZE:,} characters")
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Malformed(f"line {line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise Malformed(f"line 1: not YAML: {error}") from None
    lines: dict[Path, int] = {}
    if node is not None:
        _locate(node, (), lines, set())
    return Located(value, lines)


def _locate(node: yaml.Node, path: Path, lines: dict[Path, int], seen: set[int]) -> None:
    # `seen`: an alias may point back to what it stands in.
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, key.value)
            if inner in lines:
                raise Malformed(f"line {key.start_mark.line + 1}: {key.value!r} stands there twice")
            lines[inner] = key.start_mark.line + 1
            _locate(value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*path, index] = value.start_mark.line + 1
            _locate(value, (*path, index), lines, seen)
