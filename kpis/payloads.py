"""What the API says of KPIs. Unknown is null; rates are 0..100, confidences 0..1, times in seconds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from kpis.figures import APPROVAL, CYCLE, PROCESSING, Figures
from kpis.models import SeriesChange
from kpis.params import Span
from kpis.periods import Interval
from kpis.stats import difference, grade, relative, trend
from kpis.summary import Backlog, Compared, Scope
from kpis.summary import backlog as find_backlog
from kpis.trends import Point

Data = dict[str, Any]
CHANGED = ("series", "kind", "granularity", "start", "end", "before", "after", "confidence", "worse", "cause")


def summary_of(scope: Scope, asked: Span, compared: Compared, now: datetime) -> Data:
    """What /kpis/summary says but for its groups; the page shows the same."""
    figures, before = compared
    return {
        "period": asked.as_data(),
        "volume": volume(figures),
        "performance": performance(figures),
        "summary": headline(figures, asked, before["previous"][1] if before["previous"] else None),
        **details(figures),
        "backlog": backlog(find_backlog(scope, now=now), now),
        "comparison": {name: comparison(figures, one[1], one[0]) if one else None for name, one in before.items()},
    }


def volume(figures: Figures) -> Data:
    number = figures.number
    return {
        "total_invoices": figures.uploaded,
        "successful_invoices": number("succeeded"),
        "failed_invoices": number("failed"),
        "undecided_invoices": figures.uploaded - figures.decided,
        "invoices_with_exceptions": number("excepted"),
        "straight_through_invoices": number("straight_through"),
        "human_reviews": number("reviewed"),
        "retried_invoices": number("retried"),
        "retries": int(figures.sums["retried", ""]) if number("retried") else 0,
        "duplicates_confirmed": number("duplicates"),
        "duplicates_caught": number("duplicates_caught"),
    }


def performance(figures: Figures) -> Data:
    seconds = figures.mean_seconds(PROCESSING)
    return {
        "processing_success_rate": figures.success_rate,
        "exception_rate": figures.exception_rate,
        "average_processing_time_seconds": seconds,
        "average_processing_time_minutes": _minutes(seconds),
        "average_extraction_confidence": figures.confidence,
        "average_approval_time_seconds": figures.mean_seconds(APPROVAL),
        "average_cycle_time_seconds": figures.mean_seconds(CYCLE),
        "first_time_validation_rate": figures.first_time_rate,
        "human_review_rate": figures.of_uploaded(figures.number("reviewed")),
        "duplicate_recall": figures.recall,
    }


def details(figures: Figures) -> Data:
    """What stands beside `volume` and `performance`, of all the work and of a part of it."""
    return {
        "straight_through_rate": figures.straight_through_rate,
        "percentiles": {
            "processing_time_seconds": _spread(figures, PROCESSING),
            "approval_time_seconds": _spread(figures, APPROVAL),
            "cycle_time_seconds": _spread(figures, CYCLE),
        },
        "exceptions": [
            {"kind": kind or None, "invoices": n, "exceptions": int(total), "rate": figures.of_uploaded(n)}
            for kind, (n, total) in figures.by_key("kind").items()
        ],
        "amounts": [
            {"currency": currency or None, "invoices": n, "total": float(total)}
            for currency, (n, total) in figures.by_key("amount").items()
        ],
    }


def headline(figures: Figures, span: Span, before: Figures | None) -> Data:
    rate = figures.success_rate
    return {
        "daily_average_invoices": round(figures.uploaded / span.days, 4),
        "success_rate_grade": grade(rate),
        "performance_trend": trend(rate, before.success_rate if before else None),
    }


def comparison(figures: Figures, before: Figures, span: Interval) -> Data:
    """Each figure as it was, and by how much it has changed: in its unit and in percent of what it was."""
    now, then = _compared(figures), _compared(before)
    return {
        "period": Span(*span).as_data(),
        "figures": {
            name: {
                "before": then[name],
                "change": difference(value, then[name]),
                "change_percentage": relative(value, then[name]),
            }
            for name, value in now.items()
        },
    }


def _compared(figures: Figures) -> Mapping[str, float | None]:
    return {
        "total_invoices": figures.uploaded,
        **{name: value for name, value in performance(figures).items() if not name.endswith("_minutes")},
        "straight_through_rate": figures.straight_through_rate,
    }


def part(value: str | None, figures: Figures) -> Data:
    return {"value": value, "volume": volume(figures), "performance": performance(figures), **details(figures)}


def backlog(found: Backlog, now: datetime) -> Data:
    return {
        "open_invoices": found.invoices,
        "oldest_uploaded_at": found.oldest,
        "oldest_age_seconds": (now - found.oldest).total_seconds() if found.oldest else None,
        "median_age_seconds": (now - found.middle).total_seconds() if found.middle else None,
        "by_age": [{"under_days": days, "invoices": count} for days, count in found.ages],
    }


def trends(points: Sequence[Point], zone: ZoneInfo, now: datetime, *, binned: bool) -> Data:
    """One row per period in each list; `period` is its start by the clock of the organisation."""
    of = [({"period": one.start.astimezone(zone), "partial": one.is_partial(now)}, one.figures) for one in points]
    return {
        "volume_trends": [{**period, **_volume_point(figures)} for period, figures in of],
        "processing_trends": [{**period, **_time_point(figures, "processing", binned)} for period, figures in of],
        "confidence_trends": [
            {**period, "avg_confidence": figures.confidence, "sample_size": figures.number("confidence")}
            for period, figures in of
        ],
        "approval_trends": [{**period, **_time_point(figures, "approval", binned)} for period, figures in of],
    }


def changes(rows: Iterable[SeriesChange]) -> list[Data]:
    return [{name: getattr(row, name) for name in CHANGED} for row in rows]


def _volume_point(figures: Figures) -> Data:
    return {
        "total_invoices": figures.uploaded,
        "successful_invoices": figures.number("succeeded"),
        "success_rate": figures.success_rate,
        "invoices_with_exceptions": figures.number("excepted"),
        "exception_rate": figures.exception_rate,
        "straight_through_rate": figures.straight_through_rate,
    }


def _time_point(figures: Figures, name: str, binned: bool) -> Data:
    duration = PROCESSING if name == "processing" else APPROVAL
    seconds = figures.mean_seconds(duration)
    return {
        f"avg_{name}_time_seconds": seconds,
        f"avg_{name}_time_minutes": _minutes(seconds),
        "sample_size": figures.number(duration),
        **(figures.percentiles(duration) if binned else {}),
    }


def _spread(figures: Figures, duration: str) -> Data:
    return {**figures.percentiles(duration), "sample_size": figures.number(duration)}


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 6)
