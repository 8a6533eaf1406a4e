"""A demo shows what changed, and its reports, as soon as its past is counted, and not before."""

from datetime import timedelta

import pytest
import time_machine

from kpis import ingest
from kpis.messages import INVOICE
from kpis.models import SeriesLook
from slo_portal import tasks
from slo_portal.celery import app
from slo_portal.first_look import FirstLook
from slo_portal.reports.models import Report
from tests.facts import NOON, firm

pytestmark = pytest.mark.django_db
DAYS = 45


def test_once_its_past_is_counted_the_look_and_then_the_reports_are_asked_for():
    organization, asked = firm(), []

    def ask(name: str, *arguments: str) -> bool:
        asked.append(name)
        app.tasks[name](*arguments)
        return True

    with time_machine.travel(NOON, tick=False):
        at = [NOON - timedelta(days=days) for days in range(1, DAYS)]
        rows = [{"invoice_id": str(n), "uploaded_at": one, "ready_at": one} for n, one in enumerate(at)]
        ingest.store_rows(INVOICE, organization, rows, now=NOON)
        first = FirstLook(organization, NOON, ask)
        first.turn()
        assert asked == []
        tasks.tick_organization(str(organization.pk))
        for _ in range(4):
            assert not first.done
            first.turn()

    assert first.done
    assert asked == ["slo_portal.tasks.changes", *["slo_portal.tasks.report"] * 3]
    assert SeriesLook.objects.filter(organization=organization, granularity="daily").exists()
    assert {one.kind for one in Report.objects.all()} == {"daily", "weekly", "monthly"}
