"""The preview of another definition is what the engine says after it has been saved, and what the oracle says."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import pytest
from django.db import transaction

from alerts.preview import Preview, preview
from slos import exclusions
from slos.models import Exclusion, SLODefinition, SLOSnapshot
from slos.status import SLOStatus
from slos.tick import tick
from tests.facts import at, firm, invoice
from tests.facts import slo as objective
from tests.oracle import figures, worlds
from tests.slos.playing import Play

EDITED = (
    "target_percentage",
    "error_budget_percentage",
    "target_value",
    "target_unit",
    "window",
    "window_days",
    "only",
)


def edited(rng: Random, slo: SLODefinition) -> SLODefinition:
    """A copy with some of what a person may change."""
    copy = SLODefinition.objects.get(pk=slo.pk)
    copy.organization = slo.organization
    copy.target_percentage, copy.error_budget_percentage = rng.choice(worlds.PROMISES)
    copy.window, copy.window_days = rng.choice(worlds.WINDOWS)
    copy.only = rng.choice(worlds.PARTS)
    if slo.is_timed:
        copy.target_value, copy.target_unit = worlds.a_limit(rng)
    return copy


def previewed_then_saved(seed: int) -> int:
    """Returns how many events there were."""
    rng = Random(seed)
    script = worlds.script(rng, invoices=9, exceptions=4, clocks=True)
    play = Play(script, slug=f"p{seed}")
    play.run()
    slo = rng.choice([one for one in play.slos.values() if one.measurements.exists()] or list(play.slos.values()))
    now = script.end + timedelta(seconds=rng.randrange(3 * 86_400))
    proposed = edited(rng, slo)
    if rng.random() < 0.5:
        play.exclude(worlds.an_exclusion(rng, script.start))  # no tick has seen it
    found = preview(play.organization, slo, proposed, now=now)
    assert found.saved
    before = SLODefinition.objects.get(pk=slo.pk)
    assert {name: getattr(before, name) for name in EDITED} == {name: getattr(slo, name) for name in EDITED}
    proposed.save()
    tick(play.organization, now=now)
    row = SLOSnapshot.objects.get(slo=slo)
    engine, foreseen = SLOStatus(proposed, row, now), found.status
    for name in ("good", "total", "pending", "window_start", "window_end", "first_event_at", "look_backs", "burning"):
        assert getattr(foreseen.snapshot, name) == getattr(row, name), name
    for name in ("status", "too_few", "achieved_percentage", "consumed_percentage", "allowed_bad", "remaining_bad"):
        assert getattr(foreseen, name) == getattr(engine, name), name
    play.slos[slo.sli_type] = proposed
    play.limits[slo.sli_type] = proposed.target_value, proposed.target_unit
    return compared(found, figures.buckets(play.account(slo.sli_type, now)), proposed, now)


def compared(found: Preview, buckets: figures.Sums, slo: SLODefinition, now: object) -> int:
    for one in found.ranges:
        expected = figures.look_back(buckets, one.days * 1440, now)
        assert (one.counts.good, one.counts.total) == (Decimal(str(float(expected.good))), expected.total)
        allowed = slo.budget * expected.total
        bad = good = 0
        used_up = None
        for start in sorted(buckets):
            if figures.floor(now) - timedelta(days=one.days) <= start <= now and used_up is None:
                bad += buckets[start].total - buckets[start].good
                used_up = start if bad > allowed else None
        assert one.used_up_at == used_up, good
        assert one.met == (used_up is None)
    assert sum(week.proposed.total for week in found.weeks) >= found.ranges[-1].counts.total
    return found.ranges[-1].counts.total


@pytest.mark.django_db
@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.slow) for start in range(6, 198, 48))])
def test_a_preview_is_what_the_engine_says_after_saving(start: int) -> None:
    events = 0
    for seed in range(start, start + (48 if start else 6)):
        with transaction.atomic():
            events += previewed_then_saved(seed)
            transaction.set_rollback(True)
    assert events > 0


@pytest.fixture
def outage() -> SLODefinition:
    """Of ten invoices an hour apart, those of 4 to 6 never became ready, and others took 9 minutes of 5."""
    organization = firm()
    for n in range(10):
        late = {} if n in (4, 5, 6) else {"ready_at": 60 * n + (9 if n in (1, 8) else 1)}
        invoice(organization, f"i{n}", uploaded_at=60 * n, now=at(0), **late)
    tick(organization, now=at(1440))
    return objective(organization, "time_to_ready")


def leave_out(slo: SLODefinition, *slos: SLODefinition, **what: object) -> None:
    made = Exclusion.objects.create(organization=slo.organization, category="supplier", reason="Scanner", **what)
    made.slos.set(slos)
    exclusions.put_in_force(made)


@pytest.mark.django_db
@pytest.mark.parametrize("seen", [True, False], ids=["seen by a tick", "not seen yet"])
@pytest.mark.parametrize("limit", [5, 10, None], ids=["the saved limit", "another limit", "a new objective"])
def test_a_preview_leaves_out_what_the_figures_leave_out(outage: SLODefinition, limit: int | None, seen: bool) -> None:
    slo, now = outage, at(1500)
    (before,) = preview(slo.organization, None, slo, now=now).ranges[:1]
    assert (before.counts.good, before.counts.total) == (5, 10)
    leave_out(slo, start=at(4 * 60), end=at(6 * 60))
    leave_out(slo, invoice_id="i6")
    leave_out(slo, slo, invoice_id="i8")
    if seen:
        tick(slo.organization, now=at(1445))
    saved = SLODefinition.objects.get(pk=slo.pk)
    proposed = SLODefinition.objects.get(pk=slo.pk)
    if limit is None:
        proposed.pk, proposed.name, proposed.excluded_invoices = uuid4(), "New", []
        proposed._state.adding = True
    else:
        proposed.target_value = limit
    found = preview(slo.organization, None if limit is None else saved, proposed, now=now)
    counts = found.ranges[0].counts
    assert (counts.good, counts.total) == {5: (5, 6), 10: (6, 6), None: (5, 7)}[limit]
    if found.saved:
        assert (found.saved[0].counts.good, found.saved[0].counts.total) == (5, 6)
    proposed.save()
    tick(slo.organization, now=now)
    row = SLOSnapshot.objects.get(slo=proposed)
    assert (row.good, row.total, row.first_event_at) == (
        counts.good,
        counts.total,
        found.status.snapshot.first_event_at,
    )
