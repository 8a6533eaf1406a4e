"""The KPIs of a real log of purchase orders, month by month, week by week and by vendor, as the oracle counts them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import Organization
from kpis import summary, trends
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.summary import Scope
from tests.kpis.comparing import assert_equal, count_again
from tests.oracle import kpis as oracle
from tests.oracle import logs
from tests.oracle.facts import World

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "bpic2019"
BATCH = 5_000

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,  # ten thousand rows, counted many times in plain Python
    pytest.mark.skipif(not DATA.is_dir(), reason="the real logs are not beside the project"),
]


def test_the_kpis_of_a_real_log_equal_those_of_the_oracle() -> None:
    now = datetime(2026, 11, 10, 12, tzinfo=UTC)
    organization = Organization.objects.create(name="Log", slug="log", time_zone="Europe/Amsterdam")
    organization.refresh_from_db()
    told = [message for path in sorted(DATA.glob("*.xes.gz")) for message in logs.purchase_items(path)]
    world = World()
    for message in told:
        world.tell("invoice", message, now)
    for at in range(0, len(told), BATCH):
        store_rows(INVOICE, organization, told[at : at + BATCH], now=now)
    count_again(organization, now)

    scope, zone = Scope(organization, {}), organization.time_zone
    year = datetime(2018, 1, 1, tzinfo=zone).astimezone(UTC), datetime(2019, 1, 1, tzinfo=zone).astimezone(UTC)
    (figures,) = scope.figures([year])
    assert figures.uploaded > 1_000
    assert_equal(figures, oracle.kpis(world, year))
    for week in trends.points(scope, "weekly", year):
        assert_equal(week.figures, oracle.kpis(world, week.span))
    odd = year[0] + timedelta(days=100, minutes=7), year[0] + timedelta(days=130, hours=5, seconds=1)
    assert_equal(scope.figures([odd])[0], oracle.kpis(world, odd))
    parts, _ = summary.parts(scope, odd, "document_type")
    for value, found in parts.items():
        assert_equal(found, oracle.kpis(world, odd, {"document_type": value}))
    assert summary.backlog(scope, now=now).invoices == len(oracle.backlog(world, now)) > 0
