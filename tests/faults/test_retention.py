"""Clean-up that is killed again and again, beside ingestion and ticks: what was shown stays as it was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Organization
from kpis import rollups
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from kpis.models import InvoiceMetric, Rollup
from slos.measure import catch_up
from slos.models import Counter, SLIBucket, SLIMeasurement
from slos.recount import rows_since
from slos.tick import tick
from tests.facts import at, firm

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
DAY = 24 * 60  # minutes
OLD_DAYS, NOW, KILLS, AT_ONCE = 10, 45 * DAY, 20, 5_000
SIZES = [20_000, pytest.param(1_000_000, marks=pytest.mark.long)]


def filled(organization: Organization, rows: int) -> None:
    """Invoices of ten days, each a tenth late, that nothing has happened to since."""
    for first in range(0, rows, AT_ONCE):
        batch = [a_row(f"old-{n}", n * OLD_DAYS * DAY / rows, n) for n in range(first, first + AT_ONCE)]
        assert not store_rows(INVOICE, organization, batch, now=at(OLD_DAYS * DAY)).rejected
    counted(organization, OLD_DAYS * DAY)
    counted(organization, NOW)


def a_row(name: str, minute: float, n: int) -> dict[str, Any]:
    ready = at(minute + (9 if n % 10 == 0 else 3))
    return {
        "invoice_id": name, "vendor": f"Vendor {n % 20}", "uploaded_at": at(minute), "ready_at": ready,
        "approved_at": ready, "completed_at": ready, "processing_outcome": "succeeded" if n % 40 else "failed",
    }  # fmt: skip


def counted(organization: Organization, minute: float) -> None:
    tick(organization, now=at(minute))
    catch_up(organization, "daily", now=at(minute))
    while rollups.refresh(organization, now=at(minute), reach=rows_since):
        pass


def shown(organization: Organization) -> dict[str, list[str]]:
    """Every stored figure of the time before the new work."""
    kept: dict[Any, tuple[str, ...]] = {
        SLIBucket: ("start", "slo", "width", "good", "total", "duration_us"),
        SLIMeasurement: ("period_start", "slo", "period", "good_events_count", "total_events_count"),
        Rollup: ("start", "width", "figure", "key", "n", "total"),
    }
    return {
        model.__name__: sorted(
            str(row)
            for row in model.objects.filter(
                organization=organization, **{f"{fields[0]}__lt": at(NOW - DAY)}
            ).values_list(*fields)
        )
        for model, fields in kept.items()
    }


def counters(organization: Organization) -> dict[str, Any]:
    found = Counter.objects.filter(organization=organization).values_list("name", "labels", "value")
    return {f"{name} {labels}": value for name, labels, value in found}


def cleaning(organization: Organization) -> subprocess.Popen[str]:
    given = connection.settings_dict
    url = f"postgresql://{given['USER']}@{given['HOST'].replace('/', '%2F')}/{given['NAME']}"
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "slo_portal.settings", "DATABASE_URL": url}
    env |= {"SECRET_KEY": settings.SECRET_KEY, "ENV_FILE": os.devnull}
    command = [sys.executable, "-m", "tests.faults.cleaner", organization.slug, at(NOW).isoformat(), str(KILLS)]
    return subprocess.Popen(command, env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE)


@pytest.mark.parametrize("rows", SIZES)
def test_clean_up_killed_twenty_times_beside_work_changes_no_figure(rows: int) -> None:
    organization = firm()
    filled(organization, rows)
    before, counted_before = shown(organization), counters(organization)
    assert len(before["SLIBucket"]) > 1000
    assert len(before["Rollup"]) > 100
    new, ends = 0, []
    with cleaning(organization) as process:
        for line in process.stdout or ():
            ends.append(line)
            store_rows(INVOICE, organization, [a_row(f"new-{new}", NOW - 60 + new, 1)], now=at(NOW + new / 60))
            tick(organization, now=at(NOW + new / 60))
            new += 1
    assert [int(end) for end in ends[:-1]] == [signal.SIGKILL] * KILLS
    deleted = json.loads(ends[-1])["invoices"]
    assert 0 < deleted < rows  # some of them by those that were killed
    assert InvoiceMetric.objects.filter(organization=organization).count() == new > KILLS
    counted(organization, NOW + 1)
    assert shown(organization) == before
    after = counters(organization)
    assert {name: value for name, value in counted_before.items() if after[name] < value} == {}
