"""The figures of any range of time: whole days and hours from the rollups, what is left at its ends from the rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import Organization
from kpis import counting
from kpis.figures import Figures
from kpis.models import Rollup
from kpis.periods import Interval, period_of

TABLE = Rollup._meta.db_table
ROWS, HOUR, DAY = 0, Rollup.Width.HOUR.value, Rollup.Width.DAY.value


class Piece(NamedTuple):
    """A part of the k-th range, to be read from the sums of that width in minutes, or from the ROWS."""

    k: int
    width: int
    start: datetime
    end: datetime


def read(
    organization: Organization,
    ranges: Sequence[Interval],
    *,
    between: int = ROWS,
    since: datetime | None = None,
    binned: bool = True,
) -> list[Figures]:
    """Of each range its figures, with histograms if `binned`.

    `between`: all ranges but the first and the last are whole HOURs or DAYs. Rows reach back to `since`; before it, an
    hour that a range only touches counts as a whole.
    """
    zone, last = organization.time_zone, len(ranges) - 1
    pieces = [
        piece
        for k, span in enumerate(ranges)
        for piece in ([Piece(k, between, *span)] if between and 0 < k < last else _pieces(k, span, zone, since))
    ]
    found = [Figures() for _ in ranges]
    ends = [piece for piece in pieces if piece.width == ROWS]
    for piece, figures in zip(ends, counting.count(organization, [(one.start, one.end) for one in ends]), strict=True):
        found[piece.k].include(figures)
    stored = [piece for piece in pieces if piece.width != ROWS]
    if stored:
        _read(organization, stored, found, binned)
    return found


def _pieces(k: int, span: Interval, zone: ZoneInfo, since: datetime | None) -> Iterator[Piece]:
    for start, end, whole_days in _cut("daily", *span, zone):
        if whole_days:
            yield Piece(k, DAY, start, end)
            continue
        for first, last, whole_hours in _cut("hourly", start, end, zone):
            if whole_hours:
                yield Piece(k, HOUR, first, last)
            elif since is None or first >= since:
                yield Piece(k, ROWS, first, last)
            else:
                yield Piece(k, HOUR, period_of("hourly", first, zone)[0], last)


def _cut(period: str, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, bool]]:
    """[start, end) as what lies before the whole local periods, these (True), and what lies after them."""
    first, after = period_of(period, start, zone)
    first = start if first == start else after
    last = period_of(period, end, zone)[0]
    parts = [(start, first, False), (first, last, True), (last, end, False)] if first < last else [(start, end, False)]
    yield from (part for part in parts if part[0] < part[1])


def _read(organization: Organization, pieces: Sequence[Piece], into: Sequence[Figures], binned: bool) -> None:
    names = ("ks", "widths", "starts", "ends")
    params = {name: list(column) for name, column in zip(names, zip(*pieces, strict=True), strict=True)}
    rows = f"""
        FROM unnest(%(ks)s::int[], %(widths)s::int[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
            p (k, width, start, stop)
        JOIN {TABLE} r ON r.organization_id = %(organization)s AND r.width = p.width
            AND r.start >= p.start AND r.start < p.stop"""
    plain = f"SELECT p.k, r.figure, r.key, null::int AS bin, sum(r.n)::bigint, sum(r.total) {rows} GROUP BY 1, 2, 3"
    bins = f"{rows}, unnest(r.bins, r.counts) b (bin, n)"
    histograms = f"SELECT p.k, r.figure, '', b.bin, sum(b.n)::bigint, 0 {bins} GROUP BY 1, 2, 4"
    with connection.cursor() as cursor:
        both = [plain, histograms] if binned else [plain]
        cursor.execute(" UNION ALL ".join(both), {"organization": organization.pk, **params})
        for k, figure, key, bin_, n, total in cursor.fetchall():
            if bin_ is None:
                into[k].add(figure, key, n, total)
            else:
                into[k].add_bin(figure, bin_, n)
