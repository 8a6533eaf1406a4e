"""The forecast of an objective's error budget, from its stored sums and what is open."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from accounts.models import Organization
from kpis.periods import DAY, Interval, floor
from slos import words
from slos.budget import Counts
from slos.forecast import REACH, Ahead, Asked, Forecast, Past, forecast
from slos.models import SLOSnapshot, Window
from slos.status import SLOStatus, overview
from slos.sums import Sums, over_periods


def days(now: datetime) -> list[Interval]:
    """The days whose sums are asked for, the oldest first; each ends at the time of day that it is now."""
    last = floor(now)
    return [(last - (k + 1) * DAY, last - k * DAY) for k in reversed(range(REACH))]


def ahead(one: SLOStatus, sums: Iterable[Counts], *, now: datetime) -> Forecast:
    """`sums` are those of `days`."""
    slo, window = one.slo, one.window.counts
    past = [Past(float(counts.bad), counts.total) for counts in sums]
    rolling = slo.window == Window.ROLLING
    return forecast(
        Asked(
            float(slo.budget),
            past,
            Past(float(window.bad), window.total),
            past[-slo.window_days :] if rolling else (),
            now,
            now + slo.window_days * DAY if rolling else one.snapshot.window_end,
            one.snapshot.pending if (slo.longest_wait or REACH * DAY) <= DAY else 0,
        )
    )


def of_all(organization: Organization, ones: Sequence[SLOStatus], *, now: datetime) -> dict[UUID, Forecast]:
    """By objective, as these stood at `now`."""
    known, local = days(now), now.astimezone(organization.time_zone)
    sums = over_periods(organization, [one.slo.pk for one in ones], known)
    return {
        one.slo.pk: ahead(one, [Counts(*sums.get((one.slo.pk, start), Sums())[:2]) for start, _ in known], now=local)
        for one in ones
    }


def store(organization: Organization, *, now: datetime) -> None:
    """Write the forecasts beside the figures that they start from: whoever reads these reads them for nothing."""
    found = [one for one in overview(organization, now=now, latest={}).slos if not one.snapshot._state.adding]
    for pk, one in of_all(organization, found, now=now).items():
        SLOSnapshot.objects.filter(pk=pk).update(forecast=as_data(one))


def said(found: Forecast, day: str = "%-d %b") -> str:
    """In one or two sentences; times as they are given in `found`."""
    if not found.days:
        return f"How it goes on cannot be said: {found.reason}."
    last = found.days[-1]
    end = f"Expected for {last.at:{day}}: {_left(last.left.middle)}, in four of five cases {_between(last)}."
    if found.runs_out and found.runs_out > found.days[0].at:
        sooner = f"{found.at_the_earliest:{day}}" if found.at_the_earliest else ""
        later = f"and {found.at_the_latest:{day}}" if found.at_the_latest else "and later than that"
        return f"{end} It should be used up about {found.runs_out:{day}}, between {sooner} {later}."
    if found.at_the_earliest and not found.runs_out:
        return f"{end} It may be used up from {found.at_the_earliest:{day}} on, but should not."
    return end


def as_data(found: Forecast) -> dict[str, object]:
    """For reports: what is left at its last day, in percent, and when it runs out; nulls where it cannot say."""
    last = found.days[-1] if found.days else None
    return {
        "said": said(found),
        "until": last and last.at,
        "left_percentage": last and round(100 * last.left.middle, 4),
        "left_percentage_low": last and round(100 * last.left.low, 4),
        "left_percentage_high": last and round(100 * last.left.high, 4),
        "runs_out": found.runs_out,
        "at_the_earliest": found.at_the_earliest,
        "at_the_latest": found.at_the_latest,
        "reason": found.reason or None,
    }


def _left(share: float) -> str:
    return f"{words.percentage(100 * share, 0)} left" if share > 0 else "nothing left"


def _between(one: Ahead) -> str:
    low, high = (max(0.0, min(100.0, 100 * share)) for share in (one.left.low, one.left.high))
    return f"{words.percentage(low, 0)} to {words.percentage(high, 0)}"


def shown(found: Forecast, until: datetime) -> Sequence[Ahead]:
    """What of it lies before a moment."""
    return [day for day in found.days if day.at <= until]
