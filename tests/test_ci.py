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


@pytest.mark.parametrize("name", ["requirements.txt", "tools/requirements-dev.txt"])
def test_a_lock_holds_pins_with_hashes_and_no_address(name):
    text = (ROOT / name).read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line.strip()]
    assert len(pins) > 30
    assert [pin for pin in pins if not re.match(r"[\w.-]+==\S+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+$", pin)] == []
