"""What KPIs are made of, counted from the rows of invoices and exceptions in stretches of time.

An invoice belongs to the stretch of its `uploaded_at`, with all that has become of it; its durations to where they
ended, its confidence to `extracted_at`, its checks to `validated_at`. Voided ones count as duplicates only.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any

from django.db import connection

from accounts.models import Organization
from kpis.figures import Figures
from kpis.models import InvoiceException, InvoiceMetric
from kpis.periods import Interval
from kpis.stats import GROWTH, ZERO

INVOICES, EXCEPTIONS = InvoiceMetric._meta.db_table, InvoiceException._meta.db_table
FILTERS = ("vendor", "channel", "document_type")
COLUMNS = "k, part, figure, key, n, total, bins, counts"
NO_BINS = "null::smallint[], null::int[]"
PASSED = "r.structural_valid AND r.math_valid"
ITS_EXCEPTIONS = f"{EXCEPTIONS} e ON e.organization_id = r.organization_id AND e.invoice_id = r.invoice_id"
EXCEPTED = f"EXISTS (SELECT FROM {ITS_EXCEPTIONS.replace(' ON ', ' WHERE ')})"
STRAIGHT = "succeeded AND NOT excepted AND NOT coalesce(requires_human_review, false) AND coalesce(retry_count, 0) = 0"
AMONG_LARGEST = (
    " AND (r.{by} = ANY((SELECT names FROM largest)::text[])"
    " OR r.{by} IS NULL AND (SELECT array_position(names, NULL) FROM largest) IS NOT NULL)"
)
# figure: (which invoices of those uploaded, what is summed up of them)
UPLOADED = {
    "uploaded": ("true", "0"),
    "succeeded": ("succeeded", "0"),
    "failed": ("processing_outcome = 'failed'", "0"),
    "excepted": ("excepted", "0"),
    "straight_through": (STRAIGHT, "0"),
    "reviewed": ("requires_human_review", "0"),
    "retried": ("retry_count > 0", "retry_count"),
}
# figure: (where it belongs, which invoices, what is summed up of them)
ELSEWHERE = {
    "confidence": ("extracted_at", "r.extraction_confidence IS NOT NULL", "r.extraction_confidence"),
    "checked": ("validated_at", "r.structural_valid IS NOT NULL AND r.math_valid IS NOT NULL", "0"),
    "passed_first": ("validated_at", f"{PASSED} AND coalesce(r.retry_count, 0) = 0", "0"),
    "duplicates": ("duplicate_confirmed_at", "r.duplicate_confirmed", "0"),
    "duplicates_caught": ("duplicate_confirmed_at", "r.duplicate_confirmed AND r.duplicate_flagged", "0"),
}
TOOK = {
    "ready": ("ready_at", "r.ready_after"),
    "approved": ("approved_at", "r.approved_after"),
    "cycle": ("completed_at", "date_part('epoch', r.completed_at - r.uploaded_at)"),
}
TIMES = ("uploaded_at", *dict.fromkeys(at for at, *_ in (*ELSEWHERE.values(), *TOOK.values())))


def count(
    organization: Organization, intervals: Sequence[Interval], only: Mapping[str, str] | None = None
) -> list[Figures]:
    """Of each interval, the work of `only` ({"vendor": "Acme"}; all of it when empty)."""
    found = [Figures() for _ in intervals]
    for k, _, figures in _counted(organization, intervals, only or {}):
        _add(found[k], *figures)
    return found


def count_parts(
    organization: Organization, interval: Interval, by: str, most: int, only: Mapping[str, str]
) -> dict[str | None, Figures]:
    """Of one interval, by the vendor, channel or document type that is named `by`; None: those without.

    At most so many parts, the largest first.
    """
    found: dict[str | None, Figures] = defaultdict(Figures)
    for _, part, figures in _counted(organization, [interval], only, by, most):
        _add(found[part], *figures)
    return dict(sorted(found.items(), key=lambda item: (-item[1].uploaded, item[0] is None, item[0] or "")))


def _add(into: Figures, figure: str, key: str, n: int, total: Any, bins: list[int] | None, counts: list[int]) -> None:
    into.add(figure, key, n, total)
    for bin_, number in zip(bins or (), counts or (), strict=True):
        into.add_bin(figure, bin_, number)


def _counted(
    organization: Organization,
    intervals: Sequence[Interval],
    only: Mapping[str, str],
    by: str = "",
    most: int = 0,
) -> Iterator[tuple[int, str | None, tuple[Any, ...]]]:
    if not intervals:
        return
    params: dict[str, Any] = {"organization": organization.pk, **spans(intervals), **only, "most": most}
    terms = [f"r.{name} = %({name})s" for name in FILTERS if name in only]
    with connection.cursor() as cursor:
        cursor.execute(counting(terms, by), params)
        for k, part, *figures in cursor.fetchall():
            yield k, part, tuple(figures)


def spans(intervals: Sequence[Interval]) -> dict[str, list[Any]]:
    """The parameters of `counting`."""
    return {
        "ks": list(range(len(intervals))),
        "starts": [start for start, _ in intervals],
        "stops": [stop for _, stop in intervals],
    }


def counting(terms: Sequence[str] = (), by: str = "") -> str:
    """A statement that answers COLUMNS of each interval k, for what fulfils the conditions `terms` of an invoice r.

    `by` takes the work apart into its %(most)s largest parts.
    """
    part = f"r.{by}" if by else "null::text"
    given = "".join(f" AND {term}" for term in terms)
    condition = given + (AMONG_LARGEST.format(by=by) if by else "")

    def rows(at: str, *, joined: str = "", which: str = "r.voided_at IS NULL") -> str:
        return (
            f"FROM {INVOICES} r {joined} WHERE r.organization_id = %(organization)s"
            f" AND r.{at} >= s.start AND r.{at} < s.stop AND {which}{condition}"
        )

    uploaded, with_exceptions = rows("uploaded_at"), rows("uploaded_at", joined=f"JOIN {ITS_EXCEPTIONS}")
    selects = [_uploaded(part, uploaded), _kinds(part, with_exceptions), _amounts(part, uploaded)]
    for at in dict.fromkeys(at for at, *_ in ELSEWHERE.values()):
        found = rows(at, which="r.duplicate_confirmed") if at == "duplicate_confirmed_at" else rows(at)
        selects.append(_elsewhere(part, at, found))
    selects += [_took(part, figure, rows(at), took) for figure, (at, took) in TOOK.items()]
    largest = _largest(by, given) if by else ""
    # each LATERAL aggregates by itself: else the planner joins the spans with all rows where it knows too little
    return f"""
        WITH span AS MATERIALIZED (
            SELECT * FROM unnest(%(ks)s::int[], %(starts)s::timestamptz[], %(stops)s::timestamptz[]) s (k, start, stop)
        ){largest} SELECT {COLUMNS} FROM ({" UNION ALL ".join(selects)}) f ({COLUMNS}) WHERE n > 0"""  # noqa: S608


def _largest(by: str, condition: str) -> str:
    """Their names as one array: each scan can look them up in it as if they had been given."""
    return f""", largest AS MATERIALIZED (
            SELECT array_agg(part) AS names FROM (SELECT part FROM span s, LATERAL (
                SELECT r.{by} AS part, count(*) AS n FROM {INVOICES} r
                WHERE r.organization_id = %(organization)s AND r.uploaded_at >= s.start AND r.uploaded_at < s.stop
                AND r.voided_at IS NULL{condition} GROUP BY 1
            ) a ORDER BY n DESC, part LIMIT %(most)s) b
        )"""  # noqa: S608


def _uploaded(part: str, rows: str) -> str:
    each = f"""
        SELECT {part} AS part, r.processing_outcome, r.requires_human_review, r.retry_count,
            coalesce(r.processing_outcome = 'succeeded', false) AS succeeded, {EXCEPTED} AS excepted {rows}"""
    return _figures(each, UPLOADED)


def _elsewhere(part: str, place: str, rows: str) -> str:
    wanted = {figure: (which, summed) for figure, (at, which, summed) in ELSEWHERE.items() if at == place}
    return _figures(f"SELECT {part} AS part, r.* {rows}", wanted)


def _figures(each: str, wanted: Mapping[str, tuple[str, str]]) -> str:
    """Several figures from one scan: one aggregate each, taken apart into rows."""
    aggregates = ", ".join(
        f"count(*) FILTER (WHERE {which}) AS n{i}, coalesce(sum({summed}) FILTER (WHERE {which}), 0)::numeric AS t{i}"
        for i, (which, summed) in enumerate(wanted.values())
    )
    rows = ", ".join(f"('{figure}', n{i}, t{i})" for i, figure in enumerate(wanted))
    return f"""
        SELECT s.k, a.part, v.figure, '', v.n, v.total, {NO_BINS}
        FROM span s, LATERAL (SELECT part, {aggregates} FROM ({each}) r GROUP BY part) a,
        LATERAL (VALUES {rows}) v (figure, n, total)"""  # noqa: S608


def _kinds(part: str, rows: str) -> str:
    """Invoices by the kinds of their exceptions, and the number of these; '' is an unknown kind."""
    return f"""
        SELECT s.k, a.* FROM span s, LATERAL (
            SELECT {part}, 'kind', coalesce(e.kind, ''), count(DISTINCT r.id), count(*)::numeric, {NO_BINS}
            {rows} GROUP BY 1, 3
        ) a"""  # noqa: S608


def _amounts(part: str, rows: str) -> str:
    """By currency; '' is an unknown one."""
    return f"""
        SELECT s.k, a.* FROM span s, LATERAL (
            SELECT {part}, 'amount', coalesce(r.currency, ''), count(r.amount), coalesce(sum(r.amount), 0), {NO_BINS}
            {rows} GROUP BY 1, 3
        ) a"""  # noqa: S608


def _took(part: str, figure: str, rows: str, took: str) -> str:
    """A duration in microseconds, with its histogram over seconds. What ends before it begins does not count."""
    bin_ = f"CASE WHEN {took} > 0 THEN ceil(ln({took}) / {log(GROWTH)!r})::smallint ELSE {ZERO} END"
    return f"""
        SELECT s.k, a.* FROM span s, LATERAL (
            SELECT part, '{figure}', '', sum(n), sum(us), array_agg(bin ORDER BY bin), array_agg(n ORDER BY bin) FROM (
                SELECT {part} AS part, {bin_} AS bin, count(*)::int AS n, sum(({took} * 1000000)::bigint) AS us
                {rows} AND {took} >= 0 GROUP BY 1, 2
            ) b GROUP BY part
        ) a"""  # noqa: S608
