"""kill -9, at any moment: all that was recorded arrives, in its order, and nothing that was not."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clients.conftest import TAKEN, Open
from tests.clients.receipts import rows
from tests.sink import Sink

RECORDER = Path(__file__).with_name("recorder.py")


def killed(url: str, spool: Path, name: str, after: int) -> int:
    """Run a recorder until it has recorded so many messages; how many it knew to be taken when it was killed."""
    command = [sys.executable, "-I", str(RECORDER), url, str(spool), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = process.stdout
        for line in lines:
            if int(line) == after:
                process.kill()
                break
        said = [line for line in lines.read().splitlines() if line.isdigit()]
        process.wait(10)
    return int(said[-1]) if said else after


@pytest.mark.parametrize("step", ["drop", TAKEN])
def test_a_killed_workflow_loses_nothing(sink: Sink, open_portal: Open, tmp_path: Path, step):
    sink.http.script.always("connect" if step == "drop" else "*", step)
    taken = {
        name: killed(sink.http.url(""), tmp_path, name, after) for name, after in [("a", 0), ("b", 77), ("c", 777)]
    }
    sink.http.script.always("connect", "")
    portal = open_portal(spool=tmp_path)
    portal.invoice("last")
    assert portal.flush(60)

    got = rows(sink)
    assert got[-1] == {"invoice_id": "last"}
    for row in got[:-1]:
        number = row["page_count"]
        assert row == {"invoice_id": f"{row['invoice_id'][0]}-{number}", "page_count": number, "vendor": "Acme" * 20}
    for name, last in taken.items():
        numbers = [row["page_count"] for row in got[:-1] if row["invoice_id"][0] == name]
        assert set(numbers) >= set(range(last + 1))
        assert max(numbers) <= last + 1  # recorded, not yet said
        again = [pair for pair in pairwise(numbers) if pair[1] <= pair[0]]
        assert len(again) <= 2  # the part that was on its way when it was killed
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_messages_wait_in_memory(sink: Sink, tmp_path: Path):
    command = [sys.executable, "-I", str(RECORDER.with_name("limited.py")), sink.http.url(""), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(row["invoice_id"] for row in rows(sink)) == sorted(f"INV-{number}" for number in range(200))
    assert done.stderr.count("wait in memory only") == 1
    assert list(tmp_path.iterdir()) == []
