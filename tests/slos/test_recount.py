"""Figures of a past moment or of a part of the work equal those that the engine had, or would have without the rest."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.periods import BUCKET, floor
from slos.measure import calculate
from slos.models import SLIMeasurement, SLODefinition, SLOSnapshot
from slos.recount import Past, Recounted
from slos.snapshots import compute
from slos.tick import tick
from tests.oracle import worlds
from tests.oracle.facts import EXCEPTION, INVOICE, World
from tests.slos.playing import KINDS, create_slos

pytestmark = pytest.mark.django_db
NUMBERS = count()
ADA = {"vendor": "Ada"}
SHOWN = ("window_start", "window_end", "good", "total")
examples = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def organization_of(script: worlds.Script) -> tuple[Organization, list[SLODefinition]]:
    slug = f"n{next(NUMBERS)}"
    organization = Organization.objects.create(name=slug, slug=slug, time_zone=script.zone)
    return organization, list(create_slos(organization, script.limits, script.windows).values())


def tell_everything(organization: Organization, script: worlds.Script) -> World:
    world = World()
    for _, step in script.steps:
        if isinstance(step, worlds.Tell):
            store_rows(KINDS[step.kind], organization, step.messages, now=script.end)
            for message in step.messages:
                world.tell(step.kind, message, script.end)
    return world


def shown(row: SLOSnapshot, *more: str) -> dict[str, Any]:
    look_backs = {name: (Decimal(good), total) for name, (good, total) in row.look_backs.items() if total}
    return {"look_backs": look_backs, **{name: getattr(row, name) for name in (*SHOWN, *more)}}


@examples
@given(rng=st.randoms(use_true_random=False))
def test_a_moment_of_the_past_is_shown_as_its_own_tick_left_it(rng: Random) -> None:
    script = worlds.script(rng)
    organization, slos = organization_of(script)
    tell_everything(organization, script)
    moments = sorted(floor(script.start) + rng.randrange(12 * 24 * 9) * BUCKET for _ in range(6))
    then = {}
    for moment in moments:
        tick(organization, now=moment)
        then[moment] = {row.pk: shown(row, "burning") for row in SLOSnapshot.objects.filter(organization=organization)}
    tick(organization, now=max(script.end, moments[-1]) + timedelta(days=2))

    for moment in moments:
        source = Past(organization, slos, moment)
        rows = compute(organization, slos, now=moment, source=source)
        assert {row.pk: shown(row, "burning") for row in rows} == then[moment]


def rows_of(world: World, vendor: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Field by field, because a row may contradict itself."""
    ours = {key for key, row in world.rows[INVOICE].items() if row.get("vendor") == vendor}
    for kind, key in ((INVOICE, "invoice_id"), (EXCEPTION, "exception_id")):
        for row in world.rows[kind].values():
            if row.get("invoice_id") in ours:
                for name, value in row.items():
                    yield kind, {key: row[key], name: value}


@examples
@given(rng=st.randoms(use_true_random=False))
def test_a_part_of_the_work_counts_as_if_there_were_no_other(rng: Random) -> None:
    script = worlds.script(rng, invoices=8)
    whole, slos = organization_of(script)
    alone, alone_slos = organization_of(script)
    world = tell_everything(whole, script)
    for kind, message in rows_of(world, "Ada"):
        store_rows(KINDS[kind], alone, [message], now=script.end)
    now = script.start + timedelta(minutes=rng.randrange(60 * 24 * 9))
    tick(alone, now=now)
    expected = {
        row.slo.sli_type: shown(row, "pending")
        for row in SLOSnapshot.objects.filter(organization=alone).select_related("slo")
    }
    rows = compute(whole, slos, now=now, source=Recounted(whole, slos, now, only=ADA, begun=False))
    assert {row.slo.sli_type: shown(row, "pending") for row in rows} == expected

    latest = Recounted(whole, slos, now, only=ADA, begun=False).latest_closed(slos)
    for mine, slo in zip(slos, alone_slos, strict=True):
        found = latest[mine.pk]
        calculate(alone, found.period, found.period_start, found.period_end, now=now, slos=[slo])
        row = SLIMeasurement.objects.get(slo=slo, period=found.period, period_start=found.period_start)
        for name in ("period_end", "achieved_percentage", "actual_value", "total_events_count", "pending_events_count"):
            assert getattr(found, name) == getattr(row, name)
        assert row.period_end <= now < row.period_end + 2 * (row.period_end - row.period_start)


def test_the_worlds_hold_events_of_that_vendor_and_of_others() -> None:
    script = worlds.script(Random(3), invoices=60)
    whole, slos = organization_of(script)
    tell_everything(whole, script)
    totals = [
        sum(row.total for row in compute(whole, slos, now=script.end, source=source))
        for source in (Recounted(whole, slos, script.end, only=only, begun=False) for only in (ADA, {}))
    ]
    assert 0 < totals[0] < totals[1]
