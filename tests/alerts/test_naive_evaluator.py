"""The conditions against a naive evaluator, over a simulated year: none fires that should not, none is missed.

The evaluator (tests/alerts/naive.py) looks at far more moments than the portal is asked about: first it finds where a
verdict changes, then the portal plays the same messages and is asked just before, just after and now and then.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import pytest
import time_machine

from accounts.models import Organization
from alerts.rules import Verdict
from kpis import messages
from kpis.ingest import store_rows
from slos.measure import catch_up
from slos.models import SLODefinition, SLOSnapshot
from slos.tick import tick
from tests.alerts.firm_year import Life, live
from tests.alerts.judging import judge
from tests.alerts.naive import Evaluator
from tests.alerts.naive_events import WHOLE, Promise, Sum
from tests.oracle import figures

BERLIN = ZoneInfo("Europe/Berlin")
PERIODS = ("hourly", "daily", "weekly")
KINDS = {"invoices": (messages.INVOICE, "invoice_id"), "exceptions": (messages.EXCEPTION, "exception_id")}
UNITS = {"time_to_ready": "minutes", "approval_latency": "hours", "exception_resolution_time": "hours"}
HOURS = {"minutes": 60, "hours": 3600}
PROMISES = {
    "ready": Promise("time_to_ready", Fraction(95), timedelta(minutes=5)),
    "ready, strictly": Promise(
        "time_to_ready", Fraction(98), timedelta(minutes=15), days=7, period="hourly", policy="sre", failures=2
    ),
    "approved": Promise("approval_latency", Fraction(90), timedelta(hours=2), window="month", policy="sre"),
    "approved, loosely": Promise(
        "approval_latency", Fraction(80), timedelta(hours=3), period="weekly", policy="sre",
        min_events=20, min_bad=8, confidence=3, failures=1,
    ),
    "approved, quickly": Promise(
        "approval_latency", Fraction(80), timedelta(hours=1), min_events=3, min_bad=2, confidence=0
    ),
    "resolved": Promise(
        "exception_resolution_time", Fraction(85), timedelta(hours=4), days=14, min_events=5, high=(Fraction(3), 12)
    ),
    "valid": Promise(
        "validation_pass_rate", Fraction(90), window="quarter", warning=20, critical=40, off=("consecutive_failures",)
    ),
    "processed": Promise("processing_success_rate", Fraction(95), window="week", period="hourly", performance=90),
    "sure": Promise("extraction_accuracy", Fraction(92), elevated=(Fraction("1.2"), 6), high=(Fraction("1.5"), 1)),
    "flagged": Promise("duplicate_recall", Fraction(98), period="weekly", off=("error_budget_exhausted",)),
}  # fmt: skip
Said = dict[tuple[str, str], tuple[str, Sum | None]]


def create(organization: Organization, name: str, promise: Promise) -> SLODefinition:
    unit = UNITS.get(promise.sli, "confidence" if promise.sli == "extraction_accuracy" else "percent")
    value = promise.limit / timedelta(seconds=HOURS[unit]) if promise.limit else float(promise.target)
    slo = SLODefinition(
        organization=organization, name=name, sli_type=promise.sli, target_percentage=Decimal(int(promise.target)),
        target_value=Decimal(str(value)), target_unit=unit, window=promise.window, window_days=promise.days,
        measurement_periods=[promise.period], burn_policy=promise.policy,
        burn_rate_warning_threshold=_decimal(promise.elevated[0]), burn_rate_warning_hours=promise.elevated[1],
        burn_rate_alert_threshold=_decimal(promise.high[0]), burn_rate_alert_hours=promise.high[1],
        alerting_threshold_percentage=promise.warning, critical_threshold_percentage=promise.critical,
        critical_performance_percentage=promise.performance, consecutive_failures=promise.failures,
        min_events=promise.min_events, min_bad=promise.min_bad, confidence=promise.confidence,
        alert_types_off=list(promise.off),
    )  # fmt: skip
    slo.full_clean()
    slo.save()
    return slo


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


def looked_at(first: date, days: int, random: Random) -> Iterator[datetime]:
    """A moment in each half hour, sometimes its very border."""
    start = figures.day_start(first, BERLIN)
    for n in range(days * 48):
        at = start + n * timedelta(minutes=30)
        yield at if random.random() < 0.1 else at + timedelta(seconds=random.randrange(1, 1800))


def chosen(naive: Sequence[tuple[datetime, Said]], random: Random, most: int) -> list[tuple[datetime, Said]]:
    """Where a verdict changes, the moment before, the rarest, and others at random; `most` in all."""
    words = [{key: word for key, (word, _) in said.items()} for _, said in naive]
    often = Counter(pair for each in words for pair in each.items())
    rarity = [min(often[pair] for pair in each.items()) for each in words]
    changes = {k for k in range(1, len(naive)) if words[k] != words[k - 1]}
    near = sorted(changes | {k - 1 for k in changes}, key=lambda k: (rarity[k], k))
    rarest, rest = near[: most // 4], near[most // 4 :]
    picked = {*rarest, *random.sample(rest, min(len(rest), most // 2))}
    others = sorted(set(range(len(naive))) - picked)
    picked |= set(random.sample(others, min(len(others), most - len(picked))))
    return [naive[k] for k in sorted(picked)]


class Portal:
    """The real path: messages are stored, ticks count, measurements are written, conditions are judged."""

    def __init__(self, life: Life, began: datetime) -> None:
        self.organization = Organization.objects.create(name="Firm", slug="firm", time_zone=BERLIN)
        with time_machine.travel(began, tick=False):  # what was promised since when is part of the history
            self.slos = {name: create(self.organization, name, promise) for name, promise in PROMISES.items()}
        told = [(at, i.feed, {KINDS[i.feed][1]: i.key, **said}) for i in life.items for at, said in i.told]
        self.coming = sorted(told, key=lambda one: one[0], reverse=True)
        self.measured: dict[str, datetime] = {}

    def at(self, now: datetime) -> dict[tuple[str, str], tuple[str, Verdict]]:
        self.hear(now)
        assert tick(self.organization, now=now).ran
        for period in PERIODS:
            begins = figures.period_start(now, period, BERLIN)
            if self.measured.get(period) != begins:
                catch_up(self.organization, period, now=now)
                self.measured[period] = begins
        found = judge(self.organization, list(self.slos.values()), now=now)
        return {
            (name, verdict.alert_type.value): (word(verdict), verdict)
            for name, slo in self.slos.items()
            for verdict in found[slo.pk]
        }

    def hear(self, now: datetime) -> None:
        """What arrived at the same moment is one batch."""
        batches: dict[tuple[datetime, str], list[dict[str, object]]] = defaultdict(list)
        while self.coming and self.coming[-1][0] <= now:
            at, feed, said = self.coming.pop()
            batches[at, feed].append(said)
        for (at, feed), rows in batches.items():
            result = store_rows(KINDS[feed][0], self.organization, rows, now=at)
            assert not result.rejected, result.errors


def word(verdict: Verdict) -> str:
    if verdict.frozen or verdict.superseded:
        return "frozen" if verdict.frozen else "superseded"
    return verdict.severity or ("over" if verdict.over else "between")


def compare(now: datetime, said: Said, found: dict[tuple[str, str], tuple[str, Verdict]]) -> None:
    assert found.keys() == said.keys()
    for key, (expected, counts) in said.items():
        got, verdict = found[key]
        assert got == expected, (now, key, verdict, counts)
        if counts is not None:
            assert verdict.counts is not None
            assert (int(verdict.counts.good * WHOLE), verdict.counts.total) == (counts.good, counts.total), (now, key)


def play(first: date, days: int, seed: int, most: int) -> Counter[tuple[str, str]]:
    random = Random(seed)
    life = live(first, days, BERLIN, random)
    evaluator = Evaluator(PROMISES, life.items, BERLIN)
    naive = [(now, evaluator.at(now)) for now in looked_at(first, days, random)]
    portal = Portal(life, figures.day_start(first, BERLIN))
    seen: Counter[tuple[str, str]] = Counter()
    for now, said in chosen(naive, random, most):
        seen.update((kind, held) for (_, kind), (held, _) in said.items())
        compare(now, said, portal.at(now))
        burning = {name for (name, kind), (held, _) in said.items() if kind == "burn_rate_warning" and held in HELD}
        shown = set(SLOSnapshot.objects.filter(burning=True).values_list("slo__name", flat=True))
        stale = {name for (name, kind), (held, _) in said.items() if kind == "burn_rate_warning" and held == "frozen"}
        assert burning == shown - stale
    return seen


HELD = ("warning", "critical", "incident")
EVERYTHING = {
    ("burn_rate_warning", "warning"), ("burn_rate_warning", "critical"), ("burn_rate_warning", "over"),
    ("burn_rate_warning", "frozen"), ("error_budget_consumed", "warning"), ("error_budget_consumed", "critical"),
    ("error_budget_consumed", "superseded"), ("error_budget_consumed", "between"), ("error_budget_consumed", "over"),
    ("error_budget_consumed", "frozen"), ("error_budget_exhausted", "incident"), ("error_budget_exhausted", "between"),
    ("critical_performance", "critical"), ("critical_performance", "over"), ("critical_performance", "frozen"),
    ("consecutive_failures", "warning"), ("consecutive_failures", "over"), ("consecutive_failures", "frozen"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.django_db
def test_a_spring_with_its_clock_change_and_the_end_of_a_quarter() -> None:
    seen = play(date(2026, 3, 2), 40, seed=3, most=110)
    assert EVERYTHING - seen.keys() == set()


@pytest.mark.long
@pytest.mark.django_db
def test_a_whole_year() -> None:
    seen = play(date(2026, 1, 1), 365, seed=2026, most=1500)
    assert EVERYTHING - seen.keys() == set()
