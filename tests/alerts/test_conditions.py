"""Conditions as they stand in the database: what a tick has written, what feeds have said, what was measured."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Organization
from alerts.kinds import AlertType
from alerts.rules import Verdict
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos.measure import catch_up
from slos.models import SLIMeasurement, SLODefinition, SLOSnapshot
from slos.status import overview
from slos.tick import tick
from tests.alerts.judging import judge
from tests.facts import at, exception, firm, slo

pytestmark = pytest.mark.django_db
DAY, HOUR = 24 * 60, 60
BURN, PERFORMANCE = AlertType.BURN_RATE_WARNING, AlertType.CRITICAL_PERFORMANCE
FAILURES, CONSUMED = AlertType.CONSECUTIVE_FAILURES, AlertType.ERROR_BUDGET_CONSUMED


def send(organization: Organization, name: str, *uploaded: float, took: float | None, now: float) -> None:
    """One message of invoices: minutes from NOON, and how long each took; None: not ready yet."""
    rows = [
        {
            "invoice_id": f"{name}-{k}",
            "uploaded_at": at(minute),
            "ready_at": None if took is None else at(minute + took),
        }
        for k, minute in enumerate(uploaded)
    ]
    store_rows(INVOICE, organization, rows, now=at(now))


def busy(organization: Organization, days: int = 20, a_day: int = 20) -> None:
    """A calm past."""
    minutes = [-DAY * day - 30 * k for day in range(1, days + 1) for k in range(a_day)]
    send(organization, "calm", *minutes, took=1, now=-DAY)


def verdict(organization: Organization, kind: AlertType, now: float, sli: str = "time_to_ready") -> Verdict:
    """As of a tick."""
    tick(organization, now=at(now))
    found = judge(organization, list(organization.slos.active()), now=at(now))
    (one,) = [each for each in found[slo(organization, sli).pk] if each.alert_type == kind]
    return one


def edit(organization: Organization, sli: str = "time_to_ready", **fields: Any) -> None:
    organization.slos.filter(sli_type=sli).update(**fields)


# --- work that no later message confirms -------------------------------------------------------------------
def test_work_that_goes_on_when_the_feed_stops_fires_nothing_until_the_feed_lives() -> None:
    organization = firm()
    busy(organization)
    send(organization, "stuck", *(-k / 4 for k in range(16)), took=None, now=0)

    silent = verdict(organization, BURN, 20)
    assert (silent.severity, silent.counts and silent.counts.bad) == (None, 0)
    shown = SLOSnapshot.objects.get(slo=slo(organization, "time_to_ready"))
    assert (shown.total - shown.good, shown.look_backs["6h"], shown.burning) == (16, ["0.000000", 16], False)

    send(organization, "another", 21, took=1, now=22)
    alive = verdict(organization, BURN, 23)
    assert (alive.severity, alive.counts and alive.counts.bad) == ("critical", 16)
    assert SLOSnapshot.objects.get(slo=shown.slo).burning


def test_what_was_overdue_before_the_feed_stopped_counts() -> None:
    organization = firm()
    busy(organization)
    send(organization, "stuck", *(-k / 4 - 5 for k in range(16)), took=None, now=0)
    assert verdict(organization, BURN, 20).severity == "critical"


def test_exceptions_wait_for_messages_of_exceptions() -> None:
    organization = firm()
    for k in range(16):
        exception(organization, f"open-{k}", opened_at=-239, now=at(0))
    send(organization, "invoice", 10, took=1, now=11)
    assert verdict(organization, BURN, 12, "exception_resolution_time").frozen  # nothing is left
    exception(organization, "closed", opened_at=10, resolved_at=11, now=at(12))
    assert verdict(organization, BURN, 13, "exception_resolution_time").severity == "critical"


def test_a_measurement_of_nothing_but_such_work_is_passed_over() -> None:
    organization = firm()
    edit(organization, measurement_periods=["hourly"], consecutive_failures=1)
    busy(organization)
    send(organization, "calm", *range(-120, -60, 5), took=1, now=0)
    send(organization, "stuck", *(k / 4 - 4 for k in range(16)), took=None, now=0)
    for minute in (1, 61):
        tick(organization, now=at(minute))
        catch_up(organization, "hourly", now=at(minute))
    found = {kind: verdict(organization, kind, 62) for kind in (PERFORMANCE, FAILURES)}
    assert {(one.severity, one.counts and one.counts.bad) for one in found.values()} == {(None, 0)}
    send(organization, "another", 62, took=1, now=63)
    assert verdict(organization, PERFORMANCE, 64).severity == "critical"
    assert verdict(organization, FAILURES, 64).severity == "warning"


# --- feeds that have stopped -------------------------------------------------------------------------------
def test_a_stale_feed_freezes_what_it_feeds_and_nothing_else() -> None:
    organization = firm()
    busy(organization)
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    assert verdict(organization, BURN, 9).severity == "critical"
    gone = 8 + 72 * HOUR
    exception(organization, "last", opened_at=gone - 500, resolved_at=gone - 1, now=at(gone - 1))
    late = verdict(organization, CONSUMED, gone)
    assert (late.frozen, late.severity, late.value is None) == (True, None, False)
    assert not verdict(organization, CONSUMED, gone, "exception_resolution_time").frozen


def test_a_look_back_without_an_event_freezes_its_alert() -> None:
    organization = firm()
    busy(organization)
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    quiet = verdict(organization, BURN, 25 * HOUR)
    assert (quiet.frozen, quiet.over, quiet.severity) == (True, False, None)


# --- rules of the objective --------------------------------------------------------------------------------
def test_a_quiet_short_look_back_is_lengthened() -> None:
    organization = firm()
    busy(organization)
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    assert verdict(organization, BURN, 5 * HOUR).severity == "critical"  # the last five events, hours ago
    send(organization, "fine", *range(4 * HOUR, 4 * HOUR + 5), took=1, now=5 * HOUR)
    assert verdict(organization, BURN, 5 * HOUR).severity is None


def test_a_lengthened_look_back_leaves_out_what_nothing_confirms() -> None:
    organization = firm()
    busy(organization)
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    send(organization, "fine", *range(4 * HOUR, 4 * HOUR + 5), took=1, now=5 * HOUR)
    assert verdict(organization, BURN, 5 * HOUR).severity is None
    send(organization, "stuck", *(5 * HOUR - 1 - k / 4 for k in range(8)), took=None, now=5 * HOUR)
    assert verdict(organization, BURN, 5 * HOUR + 6).severity is None
    send(organization, "another", 5 * HOUR + 6, took=1, now=5 * HOUR + 7)
    assert verdict(organization, BURN, 5 * HOUR + 8).severity == "critical"


@pytest.mark.parametrize(
    ("changed", "severity", "hours", "threshold"),
    [
        ({}, "critical", 6, "2"),
        ({"burn_rate_alert_hours": 4}, "critical", 4, "2"),
        ({"burn_rate_alert_threshold": 19, "burn_rate_warning_threshold": 18}, None, None, None),
        ({"burn_rate_alert_threshold": 19}, "warning", 24, "1.5"),
        ({"min_bad": 21}, None, None, None),
        ({"min_events": 41}, None, None, None),
        ({"confidence": 13}, None, None, None),
        ({"burn_policy": "sre"}, "critical", 6, "6"),
        ({"burn_policy": "sre", "window_days": 90}, "critical", 13 / 3, "9.97"),
    ],
)
def test_burn_rates_follow_the_objective(
    changed: dict[str, Any], severity: str | None, hours: float | None, threshold: str | None
) -> None:
    organization = firm()
    busy(organization)
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    send(organization, "fine", *(-k for k in range(20)), took=1, now=8)
    edit(organization, **changed)
    found = verdict(organization, BURN, 9)
    assert found.severity == severity
    assert SLOSnapshot.objects.get(slo__sli_type="time_to_ready").burning is (severity is not None)
    if hours and threshold:
        assert found.threshold
        assert (found.look_back, round(found.threshold, 2)) == (timedelta(hours=hours), Decimal(threshold))


def test_the_status_takes_the_shares_of_the_objective() -> None:
    organization = firm()
    busy(organization)  # 400 events, 20 of which may be bad
    send(organization, "late", *(-DAY * 3 - k for k in range(10)), took=7, now=8)
    edit(organization, alerting_threshold_percentage=30, critical_threshold_percentage=32)
    (found,) = [one for one in _ticked(organization, 9) if one.slo.sli_type == "time_to_ready"]
    assert (found.status, found.too_few) == ("critical", False)
    edit(organization, min_bad=31)
    (found,) = [one for one in _ticked(organization, 9) if one.slo.sli_type == "time_to_ready"]
    assert (found.status, found.too_few) == ("warning", True)


def _ticked(organization: Organization, now: float) -> Any:
    tick(organization, now=at(now))
    return overview(organization, now=at(now)).slos


# --- measurements ------------------------------------------------------------------------------------------
def test_measurements_are_those_of_its_own_period_closed_and_with_events() -> None:
    organization = firm()
    edit(organization, measurement_periods=["daily", "hourly"])
    for day, took in ((3, 7), (2, 7), (1, 1)):  # 10 late, nothing at all, 10 late, 4 in time
        if day != 2:
            send(organization, f"day-{day}", *(-DAY * day - k for k in range(10)), took=took, now=-60)
    send(organization, "today", *(-k for k in range(30)), took=7, now=8)
    tick(organization, now=at(9))
    for period in ("daily", "hourly"):
        catch_up(organization, period, now=at(9))
    found = verdict(organization, PERFORMANCE, 9)
    assert (found.value, found.counts and found.counts.total) == (100, 10)
    row = SLIMeasurement.objects.get(pk=found.measurement)
    assert (row.period, row.period_end) == ("daily", at(-12 * HOUR))
    assert verdict(organization, FAILURES, 9).value == 0

    tomorrow = verdict(organization, PERFORMANCE, DAY)
    assert (tomorrow.severity, tomorrow.value) == ("critical", 0)


def test_a_measurement_that_is_too_old_says_nothing() -> None:
    organization = firm()
    edit(organization, measurement_periods=["hourly"])
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    tick(organization, now=at(9))
    catch_up(organization, "hourly", now=at(70))
    assert verdict(organization, PERFORMANCE, 70).severity == "critical"
    send(organization, "sign of life", 14 * DAY, took=1, now=14 * DAY + 90)
    assert verdict(organization, PERFORMANCE, 14 * DAY + 91).frozen


# --- many --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("more", [0, 30])
def test_the_number_of_statements_does_not_grow(more: int, django_assert_num_queries: Any) -> None:
    organization = firm()
    send(organization, "first", -9 * DAY, took=1, now=-8 * DAY)
    busy(organization)
    send(organization, "late", *(-k for k in range(20)), took=7, now=8)
    send(organization, "stuck", *(8 - k / 4 for k in range(16)), took=None, now=8)
    original = slo(organization, "time_to_ready")
    for n in range(more):
        policy = {"burn_policy": "sre"} if n % 2 else {}
        SLODefinition.objects.create(**_copied(original), name=f"Copy {n}", **policy)
    now = 5 * HOUR
    tick(organization, now=at(now))
    catch_up(organization, "daily", now=at(now))
    slos = list(organization.slos.all())
    # snapshots, feeds and their weeks, what is excluded, overdue work, quiet look-backs, measurements
    with django_assert_num_queries(7):
        found = judge(organization, slos, now=at(now))
    held = {pk for pk, several in found.items() if any(one.severity for one in several)}
    assert len(found) == 7 + more
    assert original.pk in held


def _copied(original: SLODefinition) -> dict[str, Any]:
    names = ("organization", "sli_type", "target_percentage", "target_value", "target_unit", "measurement_periods")
    return {name: getattr(original, name) for name in names}
