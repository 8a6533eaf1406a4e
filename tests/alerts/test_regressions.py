"""What got worse in a series is information: told once, to those who look after it, and nobody is paged."""

from datetime import timedelta

import pytest

from accounts.models import Organization
from alerts.models import Notification, SLOAlert
from kpis.models import SeriesChange
from tests.alerts.firms import a_quiet_firm, kinds, run
from tests.facts import NOON, at, slo

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Organization:
    return a_quiet_firm()


def changed(organization: Organization, series: str, days_ago: int = 3, **fields: object) -> SeriesChange:
    given = {"kind": "shift", "before": 95, "after": 80, "worse": True, "confidence": 0.999, **fields}
    return SeriesChange.objects.create(
        organization=organization,
        series=series,
        granularity="daily",
        start=NOON - timedelta(days=days_ago),
        found_at=NOON,
        seen_at=NOON,
        **given,
    )


def test_a_regression_is_told_as_information_with_what_changed_with_it(ours):
    rate = slo(ours, "validation_pass_rate")
    changed(ours, str(rate.pk), cause={"field": "vendor", "value": "Acme", "share": 62})
    changed(ours, "straight_through_rate")
    assert run(ours, 0) == 2

    of_slo, of_kpi = SLOAlert.objects.get(slo=rate), SLOAlert.objects.get(slo=None)
    assert {(one.alert_type, one.severity, one.subject) for one in (of_slo, of_kpi)} == {
        ("regression", "info", ""),
        ("regression", "info", "straight_through_rate"),
    }
    assert of_slo.title == "Went from 95.0 % to 80.0 % on 7 Nov 2026: Validation Pass Rate".replace(" %", "\xa0%")
    assert "62\xa0% of it comes with the vendor “Acme”." in of_slo.message
    assert "Straight through went from" in of_kpi.message
    assert (kinds(of_slo), of_slo.next_step_at) == (["opened", "told"], None)
    assert {one.severity for one in Notification.objects.all()} == {"info"}
    assert run(ours, 60 * 24) == 0  # nothing escalates, nothing is repeated


def test_it_is_over_when_the_series_changes_again(ours):
    row = changed(ours, "exception_rate", before=5, after=9)
    run(ours, 0)
    SeriesChange.objects.filter(pk=row.pk).update(end=at(1))
    for minute in range(2, 40):
        run(ours, minute)
    alert = SLOAlert.objects.get()
    assert (alert.resolution, kinds(alert)[-1]) == ("recovered", "resolved")


@pytest.mark.parametrize(
    "fields", [{"worse": False}, {"worse": None}, {"kind": "silence"}, {"end": NOON}, {"days_ago": 15}]
)
def test_what_is_better_old_or_over_is_no_news(ours, fields):
    changed(ours, "straight_through_rate", **fields)
    assert run(ours, 0) == 0
    assert not SLOAlert.objects.exists()
