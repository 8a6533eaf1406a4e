"""YAML whose every key knows its line, so that an error can name both."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[Hashable, ...]
MAX_SIZE = 200_000  # characters
MAX_VALUES = 200_000  # with what aliases repeat: a few lines can stand for more than any memory holds


class Malformed(ValueError):
    """The text is not YAML, or says a thing twice; the message names the line."""


@dataclass(frozen=True)
class Located:
    """The value of a YAML text, and the line of each key or list entry by its path."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)
    first_line: int = 1

    def where(self, path: Sequence[Hashable]) -> str:
        """`line 7, fields.ready_at` for a path; the line is that of the innermost part that the text has."""
        name = ".".join(str(part) for part in path) or "the mapping"
        return f"line {self.line(path)}, {name}"

    def line(self, path: Sequence[Hashable]) -> int:
        known = tuple(path)
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, self.first_line)


def load(text: str, longest: int = MAX_SIZE) -> Located:
    """The one document of a text of up to `longest` characters; of an empty text None. Raises Malformed."""
    found = load_all(text, longest)
    if len(found) > 1:
        raise Malformed(f"line {found[1].first_line}: a second document begins; this must be one")
    return found[0] if found else Located(None)


def load_all(text: str, longest: int = MAX_SIZE) -> list[Located]:
    """The documents of a text, those that are not empty. Raises Malformed."""
    if len(text) > longest:
        raise Malformed(f"longer than {longest:,} characters")
    try:
        return list(_documents(yaml.SafeLoader(text)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Malformed(f"line {line}: not YAML: {error.problem}") from None
    except RecursionError:
        raise Malformed("line 1: not YAML: nested too deeply") from None
    except Malformed:
        raise
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:  # PyYAML lets some of these through
        raise Malformed(f"line 1: not YAML: {' '.join(str(error).split())}") from None


def _documents(loader: yaml.SafeLoader) -> Iterator[Located]:
    while loader.check_node():
        node = loader.get_node()
        if node is None:
            return
        _count(node, {})
        value, lines = loader.construct_document(node), dict[Path, int]()
        if value is not None:
            _locate(node, (), lines, set())
            yield Located(value, lines, node.start_mark.line + 1)


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values it stands for. Raises ValueError."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MAX_VALUES  # for an alias to what it stands in
    inner = node.value if isinstance(node, yaml.CollectionNode) else ()
    parts = [part for one in inner for part in (one if isinstance(one, tuple) else (one,))]
    found = 1 + sum(_count(part, known) for part in parts)
    if found > MAX_VALUES:
        raise ValueError(f"its aliases make more than {MAX_VALUES:,} values of it, or name what they stand in")
    known[id(node)] = found
    return found


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
