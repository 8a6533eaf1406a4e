"""Fails on a skipped test that is not named in a list.

    python skips.py JUNIT_XML ALLOWED

ALLOWED holds one pattern a line, as in file names (`*`), for "classname::name"; `#` begins a comment.
"""

import sys
import xml.etree.ElementTree as ElementTree  # our own pytest's report
from fnmatch import fnmatchcase
from pathlib import Path


def skipped(report: Path) -> list[tuple[str, str]]:
    """Name and reason of each skipped test."""
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314
    found = [(f"{case.get('classname')}::{case.get('name')}", case.find("skipped")) for case in cases]
    return [(name, skip.get("message", "")) for name, skip in found if skip is not None]


def patterns(path: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line]


def main(report: str, allowed: str) -> int:
    known = patterns(Path(allowed))
    bad = [(name, why) for name, why in skipped(Path(report)) if not any(fnmatchcase(name, one) for one in known)]
    for name, why in bad:
        sys.stderr.write(f"skipped, and not named in {allowed}: {name} ({why})\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
