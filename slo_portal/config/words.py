"""What differs, as people and programs read it."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import groupby
from typing import Any

from slo_portal.config.applying import ARCHIVED, CHANGED, NEW, ONLY_HERE, SAME, Difference, Field, shown
from slos.words import plural

MARKS = {NEW: "+", CHANGED: "~", ONLY_HERE: "-", ARCHIVED: "!", SAME: "="}
Pair = tuple[str, str]


def summary(differences: Sequence[Difference], new: str = "new", changed: str = "changed") -> str:
    """In one sentence."""
    number = {state: sum(one.state == state for one in differences) for state in MARKS}
    fields = sum(len(one.fields) for one in differences if one.state == CHANGED)
    told = [
        f"{number[NEW]} {new}" if number[NEW] else "",
        f"{fields} {plural('field', fields)} of {number[CHANGED]} {changed}" if fields else "",
        f"{number[ONLY_HERE]} only in the database" if number[ONLY_HERE] else "",
        f"{number[ARCHIVED]} archived here and left so" if number[ARCHIVED] else "",
        f"{number[SAME]} as in the file" if number[SAME] or not differences else "",
    ]
    return ", ".join(part for part in told if part) + "."


def lines(differences: Sequence[Difference], *, prune: bool) -> Iterator[str]:
    """Of everything that is not as in the file."""
    for section, some in groupby(differences, key=lambda one: one.section.name):
        told = [one for one in some if one.state != SAME]
        if told:
            yield section
        for one in told:
            yield f"  {MARKS[one.state]} {one.name}{_note(one, prune)}"
            for field in one.fields:
                yield from (f"      {line}" for line in _field(field, one))


def _note(one: Difference, prune: bool) -> str:
    if one.state == ARCHIVED:
        return ": archived here, stays so; restore it in the administration first"
    if one.state != ONLY_HERE:
        return ""
    act = one.pruned()
    if not act:
        return ": only in the database, stays"
    return f": only in the database, {act}" if prune else f": only in the database (--prune: {act})"


def _field(field: Field, one: Difference) -> Iterator[str]:
    old, new = text(field.old), text(field.new)
    if one.state == NEW:
        if one.section.shape.defaults.get(field.name, "") != field.new:
            yield f"{field.name}: {new}" if "\n" not in new else f"{field.name}: {len(new.splitlines())} lines"
    elif "\n" in old + new:
        yield f"{field.name}:"
        yield from [f"  {line}" for line in unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)][2:]
    else:
        yield f"{field.name}: {old} -> {new}"


def text(value: Any) -> str:
    """A value in a line, or a text in several."""
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {text(one)}" for key, one in value.items() if one not in (None, False, [], ""))
    if isinstance(value, list):
        return ("; " if any(isinstance(one, dict) for one in value) else ", ").join(map(text, value))
    return str(shown(value))


def as_json(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    """For programs: everything, with what differs."""
    return [
        {
            "section": one.section.name,
            "name": one.name,
            "state": one.state.replace(" ", "_"),
            "fields": [{"field": field.name, "old": shown(field.old), "new": shown(field.new)} for field in one.fields],
        }
        for one in differences
    ]
