"""Whatever people and the portal do with an alert, in any order: API, database and a plain model of it agree."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import manners
from alerts.models import AlertEvent, SLOAlert
from tests.alerts.alerting import an_alert, recover, worsen
from tests.calling import Caller, a_caller, an_organization
from tests.facts import at
from tests.together import together

DANA, SAM = 0, 1
WHO = st.sampled_from([DANA, SAM])
SNOOZES = st.sampled_from([{"until_better": True}, {"minutes": 30}, {"minutes": 60}])
ACTS = st.one_of(
    st.tuples(st.just("acknowledge"), WHO, st.sampled_from([None, 0, 1])),  # the version given, less the present one
    st.tuples(st.just("resolve"), WHO, st.sampled_from([None, 0, 1])),
    st.tuples(st.sampled_from(["unacknowledge", "reopen", "unsnooze"]), WHO),
    st.tuples(st.just("snooze"), WHO, SNOOZES),
    st.tuples(st.just("pass"), st.sampled_from([1, 9, 11])),
    st.tuples(st.sampled_from(["worsen", "recover"])),
)
SAME, CHANGED, CONFLICT = "same", "changed", "conflict"
PORTAL = "the portal"


@dataclass
class Model:
    """An alert as its users think of it."""

    now: datetime
    severity: str = "warning"
    version: int = 1
    acknowledged_by: int | None = None
    acknowledged_at: datetime | None = None
    resolved_by: object = None
    snooze: object = None
    accepted: list[str] = field(default_factory=lambda: ["opened"])

    def _done(self, kind: str) -> str:
        self.version += 1
        self.accepted.append(kind)
        return CHANGED

    def acknowledge(self, who: int, off: int | None) -> str:
        if self.resolved_by is not None:
            return CONFLICT
        if self.acknowledged_by is not None:
            return SAME if self.acknowledged_by == who else CONFLICT
        if off:
            return CONFLICT
        self.acknowledged_by, self.acknowledged_at = who, self.now
        return self._done("acknowledged")

    def unacknowledge(self, who: int) -> str:
        if self.resolved_by is not None:
            return CONFLICT
        if self.acknowledged_by is None or self.acknowledged_at is None:
            return SAME
        if self.acknowledged_by != who or self.now - self.acknowledged_at > timedelta(minutes=10):
            return CONFLICT
        self.acknowledged_by = None
        return self._done("unacknowledged")

    def resolve(self, who: int, off: int | None) -> str:
        if self.resolved_by is not None:
            return SAME if self.resolved_by == who else CONFLICT
        if off:
            return CONFLICT
        self.resolved_by, self.snooze = who, None
        return self._done("resolved")

    def reopen(self, who: int) -> str:
        if self.resolved_by is None:
            return SAME
        self.resolved_by = self.acknowledged_by = None
        return self._done("reopened")

    def snooze_(self, who: int, how: dict) -> str:
        wish = "better" if "until_better" in how else self.now + timedelta(minutes=how["minutes"])
        if self.resolved_by is not None:
            return CONFLICT
        if self.snooze == wish:
            return SAME
        self.snooze = wish
        return self._done("snoozed")

    def unsnooze(self, who: int) -> str:
        if self.resolved_by is not None:
            return CONFLICT
        if self.snooze is None:
            return SAME
        self.snooze = None
        return self._done("unsnoozed")


class Play:
    """The model beside the real thing."""

    numbers = count()

    def __init__(self, callers: list[Caller], clock: Any) -> None:
        self.callers, self.clock = callers, clock
        manners.rates.forget()  # in this test no minute passes
        clock.move_to(at(0))
        number = str(next(self.numbers))
        self.alert = an_alert(callers[0].organization, now=at(0), subject=number)
        self.model = Model(at(0))

    def do(self, name: str, *rest: object) -> None:
        if name == "pass":
            self.model.now += timedelta(minutes=rest[0])  # type: ignore[arg-type]
            self.clock.move_to(self.model.now)
        elif name in ("worsen", "recover"):
            self._portal(name)
        else:
            wish = getattr(self.model, f"{name}_" if name == "snooze" else name)
            version = self.model.version
            expected = wish(*rest)
            self._check_answer(self._post(name, version, *rest), expected)  # type: ignore[arg-type]
        self._check_state()

    def _portal(self, name: str) -> None:
        """What the tick may do to an open alert."""
        self.alert.refresh_from_db()
        if self.model.resolved_by is not None or (name == "worsen" and self.model.severity == "critical"):
            return
        if name == "worsen":
            worsen(self.alert, now=self.model.now)
            self.model.severity = "critical"
            self.model._done("worsened")
        else:
            recover(self.alert, now=self.model.now)
            self.model.resolved_by = PORTAL
            self.model._done("resolved")

    def _post(self, name: str, version: int, who: int, more: object = None) -> HttpResponse:
        body: dict[str, object] = {}
        if isinstance(more, int):
            body["version"] = version + more
        elif isinstance(more, dict) and "minutes" in more:
            body["until"] = (self.model.now + timedelta(minutes=more["minutes"])).isoformat()
        elif isinstance(more, dict):
            body = more
        return self.callers[who].post(f"alerts/{self.alert.pk}/{name}", body)

    def _check_answer(self, answer: HttpResponse, expected: str) -> None:
        assert answer.status_code == (409 if expected == CONFLICT else 200), answer.content
        if expected == CONFLICT:
            assert answer.json()["alert"]["id"] == str(self.alert.pk)
        else:
            assert answer.json()["message"].startswith("Done" if expected == CHANGED else "It was so already")

    def _check_state(self) -> None:
        row = SLOAlert.objects.get(pk=self.alert.pk)
        users = [caller.user for caller in self.callers]
        assert row.version == self.model.version
        assert row.severity == self.model.severity
        assert row.acknowledged_by == (
            None if self.model.acknowledged_by is None else users[self.model.acknowledged_by]
        )
        assert (row.resolved_at is not None) == (self.model.resolved_by is not None)
        if isinstance(self.model.resolved_by, int):
            assert row.resolved_by == users[self.model.resolved_by]
        assert (row.snoozed_until or (row.snoozed_until_better and "better") or None) == self.model.snooze
        kinds = AlertEvent.objects.filter(alert=row).order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == self.model.accepted


@pytest.fixture
def callers() -> list[Caller]:
    organization = an_organization()
    return [a_caller(organization, role="operator"), a_caller(organization, role="editor")]


@pytest.mark.django_db
@pytest.mark.parametrize("examples", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_api_database_and_model_agree(callers, examples):
    with time_machine.travel(at(0), tick=False) as clock:

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(st.lists(ACTS, min_size=1, max_size=25))
        def play(acts: list[tuple]) -> None:
            this = Play(callers, clock)
            for act in acts:
                this.do(*act)

        play()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["acknowledge", "resolve"])
def test_of_twenty_who_act_at_once_exactly_one_does(act):
    organization = an_organization()
    callers = [a_caller(organization, role="operator", scope="write", name=f"user-{n}") for n in range(20)]
    alert = an_alert(organization, now=at(0))
    answers = together(*(lambda caller=caller: caller.post(f"alerts/{alert.pk}/{act}") for caller in callers))
    by_status = sorted(answer.status_code for answer in answers)
    assert by_status == [200] + [409] * 19
    [winner] = [caller for caller, answer in zip(callers, answers, strict=True) if answer.status_code == 200]
    for answer in answers:
        if answer.status_code == 409:
            assert winner.user.username in answer.json()["detail"]
    assert AlertEvent.objects.filter(alert=alert).count() == 2
