"""What guards the build: skipped tests are named, locks hold pins and hashes and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REPORT = """<testsuites><testsuite>
<testcase classname="tests.kpis.test_a" name="test_one"/>
<testcase classname="tests.kpis.test_a" name="test_two"><skipped message="no data"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        ("", 1),
        ("# tests.kpis.test_a::test_two", 1),
        ("tests.kpis.test_a::test_one", 1),
        ("tests.kpis.test_a::test_two", 0),
        ("tests.kpis.test_a::* # no data", 0),
    ],
)
def test_a_skipped_test_fails_the_build_unless_it_is_named(tmp_path, allowed, code):
    report, names = tmp_path / "report.xml", tmp_path / "allowed"
    report.write_text(REPORT)
    names.write_text(allowed)
    command = [sys.executable, str(ROOT / ".ci" / "skips.py"), str(report), str(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("tests.kpis.test_a::test_two (no data)" in done.stderr) is bool(code)


def told(passed: str, failed: str) -> str:
    cases = "".join(f'<testcase classname="tests.test_a" name="{name}"/>' for name in passed)
    cases += "".join(f'<testcase classname="tests.test_a" name="{name}"><failure/></testcase>' for name in failed)
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


@pytest.mark.parametrize(
    ("first", "again", "code"),
    [
        (told("abc", "de"), told("de", ""), 0),
        (told("abc", "de"), told("d", "e"), 1),
        (told("abc", "de"), told("d", ""), 1),  # one was not run again
        (told("abc", ""), told("", ""), 1),  # it broke off
        (told("abc", "defghi"), told("defghi", ""), 1),  # too many for a coincidence
    ],
)
def test_what_failed_beside_others_must_pass_alone_and_is_named(tmp_path, first, again, code):
    reports = [tmp_path / "first.xml", tmp_path / "again.xml"]
    for report, text in zip(reports, (first, again), strict=True):
        report.write_text(text)
    command = [sys.executable, str(ROOT / ".ci" / "again.py"), *map(str, reports)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == first.count("<failure/>")
    assert ("UNSTEADY: it failed beside others, not alone: tests.test_a::d" in done.stderr) is ("<failure/>" in first)
    assert ("broken: tests.test_a::e" in done.stderr) is (again.count('"e"/>') == 0 and "<failure/>" in first)


@pytest.mark.parametrize("name", ["requirements.txt", "tools/requirements-dev.txt"])
def test_a_lock_holds_pins_with_hashes_and_no_address(name):
    text = (ROOT / name).read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line.strip()]
    assert len(pins) > 30
    assert [pin for pin in pins if not re.match(r"[\w.-]+==\S+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+$", pin)] == []
