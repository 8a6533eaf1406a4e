"""A dashboard that is kept says what one that is made anew would say, whatever has changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import Membership
from alerts import lifecycle
from alerts.lifecycle import By
from alerts.models import SLOAlert
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos import dashboard, measure
from slos.kept import Finished, Kept
from slos.models import SLIMeasurement, SLODefinition, SLOSnapshot
from slos.tick import tick
from tests.alerts.alerting import an_alert, recover, worsen
from tests.calling import Caller, a_caller, an_organization, data
from tests.slos.worlds_to_show import invoice, show

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
PATH = "slos/dashboard"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api() -> Caller:
    caller = a_caller(show(NOW), scope="read")
    measure.calculate(caller.organization, "daily", NOW - timedelta(days=8), NOW, now=NOW)
    return caller


def ask(api: Caller, query: str = "") -> tuple[bytes, str]:
    answer = api.get(PATH + query)
    assert answer.status_code == 200
    return answer.content, answer["ETag"]


def anew(api: Caller, query: str = "") -> tuple[bytes, str]:
    dashboard.kept.forget()
    return ask(api, query)


def test_every_change_shows_at_once(api: Caller, clock) -> None:
    mine, by = api.organization, By(api.user, "api")
    slo = mine.slos.get(sli_type="validation_pass_rate")
    definition = SLODefinition.objects.filter(pk=slo.pk)
    one = an_alert(mine, "validation_pass_rate", now=NOW - timedelta(days=29, hours=23, minutes=59), title="Old")
    feed = an_alert(mine, None, now=NOW - timedelta(minutes=3), title="Feed")
    alert, latest = SLOAlert.objects.filter(pk=one.pk), SLIMeasurement.objects.filter(slo=slo).latest("period_start")
    assert latest.period == "daily"
    closed = SLIMeasurement.objects.filter(slo=slo, period="daily", period_end__lte=NOW)
    newest = closed.filter(pk=closed.latest("period_start").pk)

    def more_invoices() -> None:
        late = [invoice(f"late {n}", NOW - timedelta(hours=1), late=True) for n in range(30)]
        store_rows(INVOICE, mine, late, now=NOW)
        tick(mine, now=NOW)

    shows: dict[str, Callable[[], object]] = {
        "renamed": lambda: definition.update(name="Another name"),
        "another target": lambda: definition.update(target_percentage="91", error_budget_percentage=None),
        "another status": lambda: definition.update(min_bad=900),
        "alert worse": lambda: worsen(one, now=NOW),
        "alert says something else": lambda: alert.update(title="Something else"),
        "alert of a feed resolved": lambda: lifecycle.resolve(feed, by=by, now=NOW),
        "alert opened": lambda: an_alert(mine, now=NOW),
        "not recent any more": lambda: clock.shift(timedelta(minutes=2)),
        "alert recovered": lambda: recover(one, now=NOW),
        "alert deleted": lambda: SLOAlert.objects.filter(organization=mine, alert_type="burn_rate_warning").delete(),
        "invoices": more_invoices,
        "figures": lambda: SLOSnapshot.objects.filter(slo=slo).update(pending=7),
        "burns": lambda: SLOSnapshot.objects.filter(slo=slo).update(burning=True),
        "measurement changed": lambda: newest.update(good_events_count=1, total_events_count=3),
        "measurement gone": lambda: newest.delete(),
        "paused": lambda: definition.update(is_active=False),
        "another day": lambda: (clock.shift(timedelta(days=1)), tick(mine, now=NOW + timedelta(days=1))),
        "no figures yet": lambda: SLOSnapshot.objects.filter(organization=mine).delete(),
    }
    silent: dict[str, Callable[[], object]] = {
        "acknowledged": lambda: lifecycle.acknowledge(one, by=by, now=NOW),
        "snoozed": lambda: alert.update(snoozed_until=NOW + timedelta(hours=1)),
    }
    for name, change in {**silent, **shows}.items():
        before, _ = anew(api), anew(api, "?time_range_days=1")
        assert ask(api) == before, name
        change()
        after, narrow = ask(api), ask(api, "?time_range_days=1")
        assert (after, narrow) == (anew(api), anew(api, "?time_range_days=1")), name
        assert (after[1] != before[1]) == (name in shows), name


def test_a_status_that_changes_by_time_alone_changes(api: Caller, clock) -> None:
    """80 % of the budget, at the traffic so far, are passed when ten of thirty days have run: in two minutes."""
    slo = api.organization.slos.get(sli_type="time_to_ready")
    begun = NOW - timedelta(days=10) + timedelta(minutes=2)
    SLOSnapshot.objects.filter(slo=slo).update(total=1000, good=880, first_event_at=begun, burning=False)

    def status() -> str:
        (found,) = [each for each in data(api.get(PATH))["slos"] if each["id"] == str(slo.pk)]
        return found["status"]

    assert (status(), status()) == ("healthy", "healthy")
    clock.shift(timedelta(minutes=3))
    assert status() == "warning"


def test_what_is_kept_is_nobody_elses(api: Caller) -> None:
    other = a_caller(an_organization("other"), scope="read")
    mine, its = ask(api), ask(other)
    assert (ask(api), ask(other)) == (mine, its) == (anew(api), anew(other))
    assert mine != its
    Membership.objects.filter(user=api.user).delete()
    assert api.get(PATH).status_code == 401


def test_nothing_but_one_statement_says_that_nothing_has_changed(api: Caller, django_assert_num_queries) -> None:
    _, tag = ask(api)
    with django_assert_num_queries(1 + 2):  # two for the token
        answer = api.get(PATH, if_none_match=tag)
    assert (answer.status_code, answer.content) == (304, b"")
    an_alert(api.organization, now=NOW)
    assert api.get(PATH, if_none_match=tag).status_code == 200


def test_only_so_many_bytes_are_kept() -> None:
    kept = Kept(most_bytes=100)
    for key in range(5):
        kept.keep(key, Finished("mark", NOW, NOW, b"x" * 40, "tag", 1))
        assert kept.find(0, "mark", NOW)  # asked for again and again
    assert (kept.bytes, list(kept.answers)) == (80, [4, 0])
    kept.keep(0, Finished("mark", NOW, NOW, b"x" * 101, "tag", 1))
    assert (kept.bytes, kept.find(0, "mark", NOW)) == (0, None)
    kept.keep(1, Finished("mark", NOW, NOW, b"x", "tag", 1))
    for mark, now in (("other", NOW), ("mark", NOW - timedelta(1)), ("mark", NOW + timedelta(1))):
        assert kept.find(1, mark, now) is None
    assert kept.find(1, "mark", NOW)
