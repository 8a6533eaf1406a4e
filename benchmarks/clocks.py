"""A tick whose timed objectives keep working hours, against one that reads their limits day and night."""

from collections.abc import Iterator

from benchmarks.database import Database
from benchmarks.engine import engine
from benchmarks.table import Row, paired, ratio_row
from slo_portal.local import Postgres

# an afternoon somewhere, with a break behind it; as many invoices wait and fall due as without a clock
OFFICE = """
from datetime import UTC, datetime
from accounts.models import Organization
from slos import working
from slos.models import SLODefinition, WorkingCalendar
organization = Organization.objects.get(slug="default")
ahead = (28 - datetime.now(UTC).hour) % 24 - 12
text = (f"zone Etc/GMT{-ahead:+d}\\nMon-Sun 08:30-12:00, 13:00-17:30\\ncut-off 17:00\\n2026-01-01 closed\\n"
        "from 2026-07-01\\nSun 08:30-12:00, 13:00-17:00")
working.save(WorkingCalendar(organization=organization, name="Office"), text=text)
for slo in organization.slos.all():
    if slo.is_timed:
        slo.clock, slo.calendar = "working", "Office"
        slo.full_clean()
        slo.save()
assert SLODefinition.objects.exclude(working_hours="").count() == 3
"""


def run(server: Postgres, rows: int, pairs: int) -> Iterator[Row]:
    """Ratios over the same invoices and the same dirty buckets."""
    working, elapsed = Database(server, "working"), Database(server, "elapsed")
    working.manage("shell", "--no-imports", "-c", OFFICE)
    for one in (working, elapsed):
        one.fill(rows)
    with engine(working) as ours, engine(elapsed) as theirs:
        working.settle()
        elapsed.settle()
        for buckets in (1, 12):
            measured = paired(lambda n=buckets: ours.ask("tick", n), lambda n=buckets: theirs.ask("tick", n), pairs)
            name = f"tick, {buckets} dirty buckets, {rows:,} rows: working clocks / elapsed time"
            yield ratio_row(name, measured, "s", most=1.15)
