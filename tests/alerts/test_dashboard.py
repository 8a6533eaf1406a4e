"""What the dashboard says of alerts, now and as they stood."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from alerts import lifecycle
from alerts.lifecycle import By
from tests.alerts.alerting import an_alert, recover, worsen
from tests.calling import Caller, a_caller, an_organization, data
from tests.slos.worlds_to_show import STATES, show

NOW = datetime(2026, 11, 10, 12, 2, 30, tzinfo=UTC)
PATH = "slos/dashboard"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api() -> Caller:
    return a_caller(show(NOW), scope="read")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def entry(got: dict, sli_type: str = "time_to_ready") -> dict:
    (found,) = [each for each in got["slos"] if each["sli_type"] == sli_type]
    return found


def test_an_objective_tells_its_newest_alerts_and_how_many_are_open(api: Caller) -> None:
    for n in range(7):
        recover(an_alert(api.organization, now=ago(100 - n), title=f"No. {n}"), now=ago(99 - n))
    an_alert(api.organization, now=ago(5), title="Open")
    one = entry(data(api.get(PATH)))
    assert [each["title"] for each in one["recent_alerts"]] == ["Open", "No. 6", "No. 5", "No. 4", "No. 3"]
    assert one["recent_alerts"][0].keys() == {"id", "type", "severity", "title", "created_at"}
    assert one["alert_count"] == 1
    other = entry(data(api.get(PATH)), "approval_latency")
    assert (other["recent_alerts"], other["alert_count"]) == ([], 0)


def test_recent_means_within_the_range(api: Caller) -> None:
    an_alert(api.organization, now=NOW - timedelta(days=2))
    assert len(entry(data(api.get(PATH)))["recent_alerts"]) == 1
    one = entry(data(api.get(f"{PATH}?time_range_days=1")))
    assert (one["recent_alerts"], one["alert_count"]) == ([], 1)


def test_open_alerts_come_worst_first_those_of_a_feed_among_them(api: Caller) -> None:
    an_alert(api.organization, now=ago(9), title="old warning")
    an_alert(api.organization, "approval_latency", now=ago(7), severity="incident", title="incident")
    an_alert(api.organization, None, now=ago(5), severity="critical", title="feed")
    an_alert(api.organization, "duplicate_recall", now=ago(3), title="new warning")
    recover(an_alert(api.organization, "extraction_accuracy", now=ago(2), severity="incident"), now=ago(1))
    got = data(api.get(PATH))["alerts"]
    assert [each["title"] for each in got] == ["incident", "feed", "new warning", "old warning"]
    assert got[0].keys() == {"id", "slo_name", "type", "severity", "title", "message", "created_at"}
    assert [each["slo_name"] for each in got[:2]] == ["Approval Latency", None]
    got = data(api.get(f"{PATH}?slo_types=approval_latency"))["alerts"]
    assert [each["title"] for each in got] == ["incident"]


def test_an_open_alert_decides_the_status_of_its_objective(api: Caller) -> None:
    assert entry(data(api.get(PATH)), "validation_pass_rate")["status"] == "healthy"
    alert = an_alert(api.organization, "validation_pass_rate", now=ago(5))
    assert entry(data(api.get(PATH)), "validation_pass_rate")["status"] == "warning"
    worsen(alert, now=ago(3))
    got = data(api.get(PATH))
    assert entry(got, "validation_pass_rate")["status"] == "critical"
    assert got["summary"]["critical_slos"] == 3
    recover(alert, now=ago(1))
    assert entry(data(api.get(PATH)), "validation_pass_rate")["status"] == "healthy"


def test_of_a_past_moment_alerts_are_told_as_they_stood(api: Caller) -> None:
    """Opened 11:00, worse 11:20, resolved 11:40, open again 11:50, resolved 12:00."""
    alert = an_alert(api.organization, "validation_pass_rate", now=NOW.replace(hour=11, minute=0), title="7 are late")
    worsen(alert, now=NOW.replace(hour=11, minute=20), title="19 are late")
    by = By(api.user, "api")
    lifecycle.resolve(alert, by=by, now=NOW.replace(hour=11, minute=40))
    lifecycle.reopen(alert, by=by, now=NOW.replace(hour=11, minute=50))
    lifecycle.resolve(alert, by=by, now=NOW.replace(hour=12, minute=0))

    def at(minute: str) -> tuple[str, int, list[tuple[str, str]]]:
        got = data(api.get(f"{PATH}?as_of=2026-11-10T{minute}:00Z"))
        one = entry(got, "validation_pass_rate")
        assert [each["title"] for each in got["alerts"]] == [each["title"] for each in one["recent_alerts"]] or not (
            one["alert_count"]
        )
        return one["status"], one["alert_count"], [(each["severity"], each["title"]) for each in one["recent_alerts"]]

    assert at("10:55") == ("healthy", 0, [])
    assert at("11:10") == ("warning", 1, [("warning", "7 are late")])
    assert at("11:30") == ("critical", 1, [("critical", "19 are late")])
    assert at("11:45") == ("healthy", 0, [("critical", "19 are late")])
    assert at("11:55") == ("critical", 1, [("critical", "19 are late")])
    assert data(api.get(PATH))["alerts"] == []


def test_alerts_of_another_organisation_are_not_told(api: Caller) -> None:
    an_alert(an_organization("other"), now=ago(5))
    got = data(api.get(PATH))
    assert got["alerts"] == []
    assert [each["name"] for each in got["slos"]] == list(STATES)


@pytest.mark.parametrize(
    ("query", "queries"), [("", 3), ("?time_range_days=9", 9), ("?as_of=2026-11-10T12:00:00Z", 15)]
)
@pytest.mark.parametrize("more", [1, 40])
def test_the_number_of_queries_does_not_grow(
    api: Caller, query: str, queries: int, more: int, django_assert_num_queries
) -> None:
    for n in range(more):
        recover(an_alert(api.organization, now=ago(100 - n)), now=ago(99 - n))
        an_alert(api.organization, None, now=ago(100), subject=str(n))
    api.get(PATH)  # notes that the token is used
    with django_assert_num_queries(queries):
        assert len(data(api.get(PATH + query))["alerts"]) == more
