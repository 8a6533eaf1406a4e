"""The part of the work that an objective counts: {"vendor": "Acme", "label:region": "north"}, or all of it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

OF_AN_INVOICE = ("vendor", "channel", "document_type")
LABEL = "label:"
LONGEST = 200  # characters of a name or a value
MOST = 8  # conditions
NAMES = {"document_type": "document type"}
Parts = Mapping[str, str]  # each of its conditions holds


def wrong(only: Any, *, fed: bool = False) -> str:
    """What makes no sense of it, and the way out; empty if nothing does. `fed`: a program sends the counts."""
    if fed and only:
        return "A program sends what this objective counts, and knows no part of it: leave it empty."
    if not isinstance(only, dict):
        return 'Give an object such as {"vendor": "Acme"}.'
    if len(only) > MOST:
        return f"Give at most {MOST} conditions."
    return next(_each_wrong(only), "")


def _each_wrong(only: Mapping[Any, Any]) -> Iterator[str]:
    for name, value in only.items():
        label = str(name).removeprefix(LABEL) if str(name).startswith(LABEL) else None
        if label is None and name not in OF_AN_INVOICE:
            yield f"“{name}” is unknown: give {', '.join(OF_AN_INVOICE)} or {LABEL}NAME."
        if label == "" or not isinstance(value, str) or not value:
            yield f"“{name}” needs a text."
        elif max(len(label or ""), len(value)) > LONGEST or not f"{name}{value}".isprintable() or "=" in name:
            yield f"“{name}” must have at most {LONGEST} characters on one line, and no = in its name."


def words(only: Parts) -> str:
    """As one reads it: "vendor Acme and label region = north"; empty for all of the work."""
    said = [
        f"label {name.removeprefix(LABEL)} = {value}" if name.startswith(LABEL) else f"{NAMES.get(name, name)} {value}"
        for name, value in sorted(only.items(), key=lambda one: (one[0].startswith(LABEL), one))
    ]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)
