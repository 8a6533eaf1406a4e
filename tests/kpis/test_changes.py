"""Level shifts, drifts, outliers and silences: few found where there are none, planted ones found where they are.

The seeds are fixed and few; benchmarks/changes.py measures the rates over many.
"""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.changes import FEWEST, Kind, Sample, Scale, find
from tests.kpis.years import CHANGED, DAY, STABLE, START, Planted, right, search, step, volumes


@pytest.mark.parametrize("planted", STABLE[:3], ids=lambda planted: planted.name)
def test_a_stable_year_shows_next_to_nothing(planted: Planted) -> None:
    assert sum(bool(search(planted, seed)) for seed in range(12)) <= 1


@pytest.mark.parametrize("planted", CHANGED, ids=lambda planted: planted.name)
def test_a_planted_change_is_found_for_what_it_is(planted: Planted) -> None:
    hits = [right(planted, search(planted, seed)) for seed in range(3)]

    needed = 0 if "two weeks" in planted.name else 2  # two weeks are few in such a year; the table says how few
    assert sum(map(bool, hits)) >= needed


def test_a_shift_tells_when_how_much_and_how_sure() -> None:
    found = find(volumes(Random(4), step(0.5)), Scale.COUNT)

    (shift,) = found
    assert shift.kind is Kind.SHIFT
    assert abs(shift.start - (START + 200 * DAY)) <= timedelta(days=4)
    assert shift.end is None
    assert shift.after / shift.before == pytest.approx(1.65, abs=0.25)
    assert shift.confidence > 0.999


def test_an_outlier_is_its_day_alone_and_a_silence_all_of_its_days() -> None:
    (spike,) = find(volumes(Random(1), step(1.2, last=201)), Scale.COUNT)
    assert (spike.kind, spike.start, spike.end) == (Kind.OUTLIER, START + 200 * DAY, START + 201 * DAY)
    assert spike.after > 2 * spike.before

    (silence,) = find(volumes(Random(1), step(-50, last=203)), Scale.COUNT)
    assert (silence.kind, silence.start, silence.end) == (Kind.SILENCE, START + 200 * DAY, START + 203 * DAY)
    assert (silence.before > 20, silence.after) == (True, 0)


def test_weekends_are_no_silence_and_no_outlier() -> None:
    quiet = [replace(one, value=0, events=0) if one.slot > 4 else one for one in volumes(Random(2))]

    assert find(quiet, Scale.COUNT) == []


def test_a_silence_that_goes_on_has_no_end() -> None:
    *_, last = find(volumes(Random(3), step(-50, first=360)), Scale.COUNT)

    assert (last.kind, last.end) == (Kind.SILENCE, None)


def test_of_too_few_values_and_of_none_nothing_is_said() -> None:
    year = volumes(Random(5), step(2.0, first=14))
    assert find(year[: FEWEST - 1], Scale.COUNT) == []
    assert find(year[:60], Scale.COUNT)
    assert find([], Scale.RATE) == []
    assert find([replace(one, value=None) for one in year], Scale.RATE) == []


@given(
    scale=st.sampled_from(Scale),
    values=st.lists(st.none() | st.floats(0, 100), min_size=FEWEST, max_size=90),
    events=st.integers(0, 10_000),
    slots=st.sampled_from([1, 7, 168]),
)
def test_whatever_the_values_each_finding_has_its_place_and_its_confidence(
    scale: Scale, values: list[float | None], events: int, slots: int
) -> None:
    samples = [Sample(START + i * DAY, i % slots, value, events) for i, value in enumerate(values)]
    moments = {one.at for one in samples}

    for change in find(samples, scale):
        assert change.start in moments
        assert change.end is None or change.end in moments
        assert change.end is None or change.start < change.end
        assert 0.9 < change.confidence <= 1


@pytest.mark.parametrize("value", [0.0, 50.0, 100.0])
@pytest.mark.parametrize("scale", Scale)
def test_a_constant_never_changes(value: float, scale: Scale) -> None:
    assert find([Sample(START + i * DAY, i % 7, value, 1000) for i in range(120)], scale) == []
