"""Keeps what is found in series: once, updated while it is found again, taken back when it no longer is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import Organization
from kpis import causes, change_words, series
from kpis.changes import Change, Kind, Sample, Scale, find
from kpis.models import SeriesChange, SeriesLook
from kpis.periods import DAY, HOUR, Interval
from kpis.summary import Scope

NEAR = {"daily": 7 * DAY, "hourly": 12 * HOUR}  # so far a start moves as more becomes known
HOURS_COUNT = 4 * DAY  # what hours say is kept so long: then days say it better
OF_HOURS = (Kind.SHIFT, Kind.SILENCE)  # single hours stand out too often, and no drift is seen in days
TAKEN_BACK = 3 * DAY  # after it was last found
SURE = 0.9999  # more than that is no figure to be precise about
MOST = 200  # that are listed
STANDS_OUT, LIFT = causes.MOST, causes.LIFT
Cause = Callable[[Change], dict[str, str | float]]


@dataclass(frozen=True)
class Series:
    """What is looked at; `cause` says what changed together with it."""

    name: str
    samples: Sequence[Sample]
    scale: Scale
    less_is_better: bool | None
    cause: Cause


def kpis(scope: Scope, granularity: str, *, now: datetime) -> Iterator[Series]:
    """Those of all KPIs."""
    for name, samples in series.read(scope, granularity, now=now).items():
        measure = series.KPIS[name]

        def cause(change: Change, name: str = name) -> dict[str, str | float]:
            return causes.cause(scope, name, change.start, change.end or now)

        yield Series(name, samples, measure.scale, measure.less_is_better, cause)


def keep(organization: Organization, of: Series, granularity: str, *, now: datetime) -> None:
    """Look at one series, and write what has changed in it."""
    if not of.samples:
        return
    rows = list(SeriesChange.objects.filter(organization=organization, series=of.name, granularity=granularity))
    for change in find(of.samples, of.scale):
        if granularity == "daily" or (change.kind in OF_HOURS and now - change.start < HOURS_COUNT):
            known = next((row for row in rows if _same(row, change)), None)
            rows = [row for row in rows if row is not known]
            _write(known or _new(organization, of, granularity, change, now), of, change, now)
    gone = [row.pk for row in rows if row.start >= of.samples[0].at and now - row.seen_at >= TAKEN_BACK]
    SeriesChange.objects.filter(pk__in=gone).delete()


def _same(row: SeriesChange, change: Change) -> bool:
    near = abs(row.start - change.start) <= (timedelta(0) if change.kind == Kind.OUTLIER else NEAR[row.granularity])
    return row.kind == change.kind and near and (row.after > row.before) == (change.after > change.before)


def _new(organization: Organization, of: Series, granularity: str, change: Change, now: datetime) -> SeriesChange:
    return SeriesChange(
        organization=organization, series=of.name, granularity=granularity, cause=of.cause(change), found_at=now
    )


def _write(row: SeriesChange, of: Series, change: Change, now: datetime) -> None:
    row.kind, row.start, row.end = change.kind, change.start, change.end
    row.before, row.after, row.confidence = change.before, change.after, change.confidence
    row.worse = _worse(change, of.less_is_better)
    row.seen_at = now
    row.save()


def _worse(change: Change, less_is_better: bool | None) -> bool | None:
    if change.kind == Kind.SILENCE:
        return True
    return None if less_is_better is None else (change.after > change.before) == less_is_better


def listed(organization: Organization, span: Interval, names: Iterable[str]) -> list[SeriesChange]:
    """What has changed in these series in or over a span, the newest first. Hours are left to the days that say it."""
    start, end = span
    rows = SeriesChange.objects.filter(organization=organization, series__in=list(names), start__lt=end)
    found = list(rows.filter(Q(end=None) | Q(start__gte=start) | Q(end__gt=start))[:MOST])
    days = [row for row in found if row.granularity == "daily"]
    return [row for row in found if row in days or not any(_says_the_same(day, row) for day in days)]


def looked_until(organization: Organization) -> datetime | None:
    """Up to when days have been looked through; None before the first time."""
    looks = SeriesLook.objects.filter(organization=organization, granularity="daily")
    return looks.values_list("until", flat=True).first()


def _says_the_same(day: SeriesChange, row: SeriesChange) -> bool:
    return (day.series, day.kind, day.worse) == (row.series, row.kind, row.worse) and abs(
        day.start - row.start
    ) < 2 * DAY


@dataclass(frozen=True)
class Told:
    """A change in words: of what, what it was, what changed with it; `url` leads to its page."""

    row: SeriesChange
    label: str
    url: str
    said: str
    cause: str

    @property
    def sure(self) -> str:
        """The chance that it is none."""
        return (
            "by chance in less than 1 of 10,000 such series"
            if self.row.confidence > SURE
            else (f"by chance in {max(1, round((1 - self.row.confidence) * 10_000)):,} of 10,000 such series")
        )

    @property
    def word(self) -> str:
        return "changed" if self.row.worse is None else "worse" if self.row.worse else "better"


def tell(row: SeriesChange, label: str, url: str, scale: Scale, zone: ZoneInfo) -> Told:
    said = change_words.said(
        Kind(row.kind), scale, row.before, row.after, _shown(row, row.start, zone), _shown(row, row.end, zone)
    )
    return Told(row, label, url, said, change_words.cause(row.cause))


def tell_kpi(row: SeriesChange, url: str, zone: ZoneInfo) -> Told:
    kpi = series.KPIS[row.series]
    return tell(row, kpi.label, url, kpi.scale, zone)


def _shown(row: SeriesChange, at: datetime | None, zone: ZoneInfo) -> str:
    """Its local day, or hour."""
    return f"{at.astimezone(zone):{'%-d %b %Y' if row.granularity == 'daily' else '%-d %b, %H:%M'}}" if at else ""
