"""The three real logs, through the import commands and the engine, figure by figure as the oracle reads them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from accounts.models import Organization
from slos.measure import calculate
from slos.models import SLIMeasurement, SLOSnapshot
from slos.tick import tick
from tests.oracle import figures, logs, worlds
from tests.oracle.facts import EXCEPTION, INVOICE, TIMES, World
from tests.slos.playing import MODELS, PERIODS, Play

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real logs are not beside the project"),
]

DEFAULTS = {
    "time_to_ready": (Decimal(5), "minutes"),
    "approval_latency": (Decimal(2), "hours"),
    "exception_resolution_time": (Decimal(4), "hours"),
}


@dataclass(frozen=True)
class Log:
    """A real log, and the moments at which its figures are looked at."""

    pattern: str
    mapping: str
    kind: str
    sli: str
    read: Callable[[Path], Iterable[worlds.Told]]
    zone: str
    moments: tuple[str, ...]
    stored: int
    rejected: int = 0

    @property
    def paths(self) -> list[Path]:
        return sorted(DATA.glob(self.pattern))


LOGS = {
    "bpic2019": Log(
        pattern="bpic2019/*.xes.gz",
        mapping="bpic2019",
        kind=INVOICE,
        sli="approval_latency",
        read=logs.purchase_items,
        zone="Europe/Amsterdam",
        moments=(
            "2018-03-25T01:30Z",
            "2018-07-02T08:00Z",
            "2018-10-28T00:57:31Z",
            "2019-01-17T18:47Z",
            "2019-02-01T00:00Z",
        ),
        stored=9347,
        rejected=185,
    ),
    "uci_incident": Log(
        pattern="uci_incident/*.zip",
        mapping="uci_incident",
        kind=EXCEPTION,
        sli="exception_resolution_time",
        read=logs.incidents,
        zone="UTC",
        moments=("2016-03-07T12:34:56Z", "2016-04-01T00:00Z", "2016-05-29T23:59:59.999999Z", "2017-03-01T00:00Z"),
        stored=24918,
    ),
    "azure_extraction": Log(
        pattern="azure_extraction/*.json",
        mapping="azure_extraction",
        kind=INVOICE,
        sli="extraction_accuracy",
        read=logs.analyses,
        zone="America/Los_Angeles",
        moments=("2022-02-17T18:47Z", "2022-06-30T00:00Z", "2022-08-17T01:53:30Z", "2022-08-18T00:00Z"),
        stored=15,
    ),
}


@pytest.fixture
def play(log: Log) -> Play:
    """An organisation with the default limits, and an empty world beside it."""
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return Play(worlds.Script(zone=ZoneInfo(log.zone), start=start, limits=DEFAULTS, windows={}), only=[log.sli])


@pytest.fixture
def files(log: Log, tmp_path: Path) -> list[str]:
    """Links to the files: what is rejected is written beside them, and the real ones stay as they are."""
    for path in log.paths:
        (tmp_path / path.name).symlink_to(path)
    return [str(tmp_path / path.name) for path in log.paths]


def import_files(log: Log, files: list[str], organization: Organization, *options: str) -> None:
    command = "import_exceptions" if log.kind == EXCEPTION else "import_invoices"
    arguments: list[Any] = [*files, "--mapping", log.mapping, "--organization", organization.slug, *options]
    try:
        call_command(command, *arguments)
    except SystemExit as end:
        assert end.code == bool(log.rejected)  # noqa: PT017 - a command's exit status is no failure


def parsed(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def moved(message: worlds.Told, shift: timedelta) -> worlds.Told:
    times = {name: parsed(value) + shift for name, value in message.items() if name.endswith("_at")}
    return {**message, **times}


def weeks_to_now(log: Log, told: list[worlds.Told], now: datetime) -> timedelta:
    """By how many whole weeks a file is moved so that its last accepted moment is the latest that is not after now."""
    world = World()
    for message in told:
        world.tell(log.kind, message, now)
    rows = world.rows[log.kind].values()
    last = max(row[name] for row in rows for name in TIMES[log.kind] if name in row)  # type: ignore[type-var]
    return (now - last) // timedelta(weeks=1) * timedelta(weeks=1)  # type: ignore[operator]


def measure(log: Log, play: Play, now: datetime) -> None:
    """Write the hours, days and weeks of the whole log."""
    buckets = figures.buckets(play.account(log.sli, now))
    end = max(buckets) + figures.BUCKET
    for period in PERIODS:
        calculate(play.organization, period, min(buckets), end, now=now, slos=[play.slos[log.sli]])


each_log = pytest.mark.parametrize(
    "log",
    [
        LOGS["azure_extraction"],
        pytest.param(LOGS["bpic2019"], marks=pytest.mark.slow),  # tens of thousands of rows on both sides
        pytest.param(LOGS["uci_incident"], marks=pytest.mark.slow),
    ],
    ids=lambda log: log.mapping,
)


@each_log
def test_every_figure_of_a_log_equals_that_of_the_oracle(log: Log, play: Play, files: list[str]) -> None:
    import_files(log, files, play.organization)
    now = datetime.now(UTC)
    outcomes = [play.world.tell(log.kind, message, now) for path in log.paths for message in log.read(path)]
    assert (outcomes.count("created"), outcomes.count("rejected")) == (log.stored, log.rejected)
    assert MODELS[log.kind].objects.filter(organization=play.organization).count() == log.stored
    for moment in map(datetime.fromisoformat, log.moments):
        assert tick(play.organization, now=moment).ran
        play.compare(moment)
    measure(log, play, moment)
    play.compare(moment)
    rows = SLIMeasurement.objects.filter(organization=play.organization)
    account = play.account(log.sli, moment)
    for period in PERIODS:
        filled = rows.filter(period=period, total_events_count__gt=0)
        assert {row.period_start for row in filled} == {
            start for start, part in figures.periods(account, period, play.zone).items() if part.total
        }


@each_log
def test_a_log_moved_to_now_fills_the_windows_of_now(log: Log, play: Play, files: list[str]) -> None:
    import_files(log, files, play.organization, "--shift-to-now")
    now = datetime.now(UTC)
    for path in log.paths:
        told = list(log.read(path))
        shift = weeks_to_now(log, told, now)
        for message in told:
            play.world.tell(log.kind, moved(message, shift), now)
    assert tick(play.organization, now=now).ran
    play.compare(now)
    assert SLOSnapshot.objects.get(slo=play.slos[log.sli]).total > 0
