"""Cells of files that people open in a spreadsheet."""

import re

_FORMULA = re.compile("\\s*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")  # the last four are the full-width forms
_NUMBER = re.compile(r"[+-]?[\d.]+")


def defused(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would run as a formula; numbers stay numbers."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
