"""The preview of another definition is what the engine says after it has been saved, and what the oracle says."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import transaction

from alerts.preview import Preview, preview
from slos.models import SLODefinition, SLOSnapshot
from slos.status import SLOStatus
from slos.tick import tick
from tests.oracle import figures, slis, worlds
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
    script = worlds.script(rng, invoices=9, exceptions=4)
    play = Play(script, slug=f"p{seed}")
    play.run()
    slo = rng.choice([one for one in play.slos.values() if one.measurements.exists()] or list(play.slos.values()))
    now = script.end + timedelta(seconds=rng.randrange(3 * 86_400))
    proposed = edited(rng, slo)
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
    limit = slis.threshold(proposed.target_value, proposed.target_unit) if slo.is_timed else None
    account = slis.account(slo.sli_type, play.world, now, limit, proposed.only)
    return compared(found, figures.buckets(account), proposed, now)


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
