"""Whether each test that failed beside the others passed when it was run once more, alone; names them all.

    python again.py JUNIT_XML JUNIT_XML_OF_THE_SECOND_RUN

The first run shares two cores with itself: browsers, servers and clean-ups that wait for each other. What fails alone
too is broken; so is a run that told of no failed test, as it broke off.
"""

import sys
import xml.etree.ElementTree as ElementTree  # our own pytest's report
from pathlib import Path

MANY = 5  # as many failures are no coincidence


def tests(report: str, *, failed: bool) -> set[str]:
    if not Path(report).exists():
        return set()
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314
    return {
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if failed is (case.find("failure") is not None or case.find("error") is not None)
    }


def main(first: str, second: str) -> int:
    failed = tests(first, failed=True)
    broken = failed - (tests(second, failed=False) - tests(second, failed=True))
    for name in sorted(failed):
        sys.stderr.write(f"{'broken' if name in broken else 'UNSTEADY: it failed beside others, not alone'}: {name}\n")
    return 1 if broken or not 0 < len(failed) < MANY else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
