"""What each objective came to in the range of a report, and how it stood at its end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from alerts import inbox
from kpis.periods import Interval, floor, local_periods
from kpis.stats import difference
from kpis.summary import comparable
from slo_portal.reports.asked import Asked, iso
from slos import ahead, history, status, words
from slos.budget import Counts, consumed, percent
from slos.forecast import Forecast
from slos.models import SLODefinition
from slos.payloads import events
from slos.recount import Past, first_bucket
from slos.snapshots import compute
from slos.status import SLOStatus
from slos.sums import fine_since, over_intervals
from slos.windows import NOTHING

MOST_MOMENTS = 13  # columns of the table of budgets
DAYS_IN_FULL = 8  # a longer range is shown by weeks


@dataclass(frozen=True)
class Result:
    """One objective: its counts in the range and in the one before, and its standing at the end where it is known."""

    slo: SLODefinition
    counts: Counts
    before: Counts
    standing: SLOStatus | None
    forecast: Forecast | None = None

    @property
    def met(self) -> bool | None:
        """None where nothing was decided."""
        counts = self.counts
        return counts.good * 100 >= self.slo.target_percentage * counts.total if counts.total else None

    @property
    def achieved(self) -> float | None:
        return percent(self.counts.ratio)

    @property
    def change(self) -> float | None:
        """In points, against the range before."""
        return difference(self.achieved, percent(self.before.ratio))


def results(asked: Asked) -> list[Result]:
    """Of the active objectives, by name."""
    slos = list(asked.organization.slos.active().order_by("name"))
    standings = {one.slo.pk: one for one in _standings(asked, slos)}
    spans = {"range": (asked.span.start, asked.span.end), "before": before(asked)}
    sums = counts(asked, slos, {name: span for name, span in spans.items() if span})
    forecasts = _forecasts(asked, standings)
    return [
        Result(
            slo,
            found.get("range", NOTHING),
            found.get("before", NOTHING),
            standings.get(slo.pk),
            forecasts.get(slo.pk),
        )
        for slo in slos
        for found in [sums.get(slo.pk, {})]
    ]


def before(asked: Asked) -> Interval | None:
    """The range of the same length before."""
    return comparable((asked.span.start, asked.span.end), asked.organization.time_zone)["previous"]


def counts(
    asked: Asked, slos: list[SLODefinition], spans: Mapping[str, Interval]
) -> Mapping[UUID, Mapping[str, Counts]]:
    """Good and total of intervals on borders of buckets, by objective and name."""
    if asked.only:
        return asked.source(slos, asked.now).sums(spans)
    return over_intervals(asked.organization, spans, fine_since(asked.organization))


def _standings(asked: Asked, slos: list[SLODefinition]) -> Iterable[SLOStatus]:
    """As GET /slos/dashboard tells them with `as_of`; nothing where no bucket reaches back so far."""
    organization, at = asked.organization, asked.until
    if at < first_bucket(organization):
        return []
    alerts = inbox.attention(organization, at=at, since=at, past=True)
    source = asked.source(slos, at) if asked.only else Past(organization, slos, at)
    snapshots = {row.pk: row for row in compute(organization, slos, now=at, source=source)}
    return status.overview(organization, now=at, snapshots=snapshots, latest={}, severities=alerts.severities).slos


def _forecasts(asked: Asked, standings: Mapping[UUID, SLOStatus]) -> dict[UUID, Forecast]:
    """From the end of the range on; of a part of the work nothing is known."""
    if asked.only or not standings:
        return {}
    return ahead.of_all(asked.organization, list(standings.values()), now=asked.until)


def told(asked: Asked, one: Result) -> dict[str, object]:
    """Of one objective, as it is stored in a report."""
    slo, spent = one.slo, consumed(one.counts, one.slo.budget)
    return {
        "id": str(slo.pk),
        "name": slo.name,
        "sli_type": slo.sli_type,
        "promise": words.promise(slo.target_percentage, slo.target_value if slo.is_timed else None, slo.limit_unit),
        "target_percentage": float(slo.target_percentage),
        "good_events_count": events(one.counts.good),
        "bad_events_count": events(one.counts.bad),
        "total_events_count": one.counts.total,
        "achieved_percentage": one.achieved,
        "met": one.met,
        "error_budget_consumed": percent(spent),
        "before_achieved_percentage": percent(one.before.ratio),
        "change": one.change,
        "standing": _standing(one.standing) if one.standing else None,
        "forecast": ahead.as_data(one.forecast) if one.forecast else None,
        "url": asked.page_of(slo),
        "bad_rows": asked.bad_rows(slo),
    }


def _standing(one: SLOStatus) -> dict[str, object]:
    state = words.state(one.status, one.consumed_percentage, one.too_few)
    return {
        "status": one.status.value,
        "word": state.word,
        "mark": state.mark,
        "tone": state.key,
        "window": words.window(one.slo.window, one.slo.window_days),
        "achieved_percentage": one.achieved_percentage,
        "remaining_percentage": one.remaining_percentage,
        "burn_rate_1d": one.burn_rate("1d"),
        "too_few_to_judge": one.too_few,
    }


def budgets(asked: Asked, found: list[Result]) -> dict[str, object]:
    """What was left of each budget at the end of each day, of a longer range of each week."""
    if asked.only or not found:
        return {"by": "", "moments": [], "rows": []}
    span, zone = asked.span, asked.organization.time_zone
    by = "daily" if span.days <= DAYS_IN_FULL else "weekly"
    ends = {min(end, span.end) for _, end in local_periods(by, span.start, span.end, zone)}
    moments = [end for end in sorted(ends) if floor(end) <= asked.until][-MOST_MOMENTS:]
    left = history.budget_left(asked.organization, [one.slo for one in found], moments) if moments else {}
    rows = [{"name": one.slo.name, "left": left.get(one.slo.pk, [])} for one in found]
    return {"by": by, "moments": [iso(at) for at in moments], "rows": rows}
