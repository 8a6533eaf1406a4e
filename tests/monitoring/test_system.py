"""Each program says what it uses; whoever is asked adds it up."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from monitoring import live, system
from monitoring.models import Process
from tests.facts import at

pytestmark = pytest.mark.django_db
Component = Process.Component
BUSY = "x = bytearray(60_000_000)\nimport os\npid = os.fork()\nprint(1, flush=True)\nwhile not pid: pass\ninput()"


@pytest.fixture
def program():
    """One that holds 60 MB and keeps a child of its own busy."""
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    root = psutil.Process(process.pid)
    children = root.children()
    yield root
    for one in [*children, root]:
        one.kill()
    process.communicate()


def test_a_program_is_measured_with_all_below_it_and_what_they_share_counts_once(program):
    memory, before = system.usage(program)
    assert 60e6 < memory < 110e6  # two that hold 60 MB in common
    assert len(program.children()) == 1
    while program.children()[0].cpu_times().user < 0.2:
        pass
    assert system.usage(program)[1] > before


def test_processor_time_is_what_was_used_since_the_last_measurement():
    now = datetime.now(UTC)
    system.measure(Component.WORKER, now=now)
    first = Process.objects.get()
    assert first.memory_bytes > 10e6
    Process.objects.update(cpu_seconds=first.cpu_seconds - 3, measured_at=now - timedelta(seconds=6))
    system.measure(Component.WORKER, now=now)
    assert Process.objects.get().cpu_percent == pytest.approx(50, abs=25)  # of a core, and what it used meanwhile


def test_the_database_beside_us_is_measured_and_one_far_away_is_not(settings, monkeypatch):
    system.measure_database(now=at(0))
    assert Process.objects.get(component="database").memory_bytes > 5e6
    Process.objects.all().delete()
    monkeypatch.setitem(system.connection.settings_dict, "HOST", "db.example.com")
    system.measure_database(now=at(0))
    assert not Process.objects.exists()


def test_showing_life_does_not_touch_what_was_measured():
    system.measure(Component.WORKER, now=datetime.now(UTC))
    before = Process.objects.get()
    system.note(Component.WORKER, now=datetime.now(UTC))
    after = Process.objects.get()
    assert after.seen_at > before.seen_at
    assert (after.memory_bytes, after.measured_at) == (before.memory_bytes, before.measured_at)


def test_a_program_that_was_started_again_counts_once():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = system.socket.gethostname()[:80]
    stale = {"component": "worker", "memory_bytes": 10**12, "seen_at": datetime.now(UTC)}
    Process.objects.create(place=f"{host} {gone.pid}", **stale)
    Process.objects.create(place=f"another {gone.pid}", **stale)
    system.note(Component.WORKER, now=datetime.now(UTC))
    assert {row.place.split(" ")[0] for row in Process.objects.filter(memory_bytes=10**12)} == {"another"}
    assert Process.objects.count() == 2


def test_programs_of_all_machines_are_added_up_and_the_silent_ones_left_out():
    for place, minutes in (("a 1", 0), ("b 1", -2), ("c 1", -3)):
        Process.objects.create(
            component="web",
            place=place,
            memory_bytes=100,
            cpu_percent=2.5,
            seen_at=at(minutes),
            measured_at=at(minutes),
        )
    (web,) = live.components(now=at(0))
    assert (web.name, web.memory_bytes, web.cpu_percent, web.seen_at) == ("web", 200, 5.0, at(0))


def test_a_database_that_is_away_disturbs_nobody():
    def fails() -> None:
        raise system.DatabaseError("away")

    system.sample(fails)
