"""Counters for monitoring: they grow by what the tick finds new, and never fall.

Of the facts, the hours that marks name are counted again as a whole, and what they came to before is remembered
(Tally). Of the objectives, the sums of the days that a tick has changed are compared with what they were. So nothing
is done per invoice when it comes in, and corrections, voids, recounts and the clean-up of old rows take nothing back.
"""

import json
from collections import Counter as Number
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Organization
from kpis.periods import DAY, HOUR, floor
from slos.buckets import TABLE, Changed
from slos.budget import Counts
from slos.growth import grown
from slos.hourly import ACTIVE, HOURLY, RAISED, UNKNOWN
from slos.models import Counter, SLODefinition, Tally

EVENTS = "slo_events"
GOOD, BAD = "good", "bad"
REST = "other"
MOST_KINDS, MOST_SEVERITIES = 20, 8  # of exceptions with series of their own: the first ones seen, for good
Labels = tuple[str, ...]
Key = tuple[str, Labels]
Hours = Mapping[str, Collection[datetime]]
Parts = dict[tuple[str, datetime], dict[Labels, tuple[int, int]]]  # by labels the number, and the sum in millionths


def count_facts(
    organization: Organization,
    marks: Iterable[tuple[str, datetime]],
    *,
    since: datetime | None,
    now: datetime,
    last: datetime | None,
) -> bool:
    """Count the hours of the marked (field, instant) again; whether anything shows otherwise than before.

    Rows reach back to `since`, what lies before it stays as it is. `last` is the tick before.
    """
    hours = _hours(organization, marks, since, now, last)
    if not hours:
        return False
    found, before = _count(organization, hours), _stored(organization, hours)
    fresh: dict[Key, Decimal] = defaultdict(Decimal)
    for field in hours.keys() - {ACTIVE}:
        for labels, amount in _fresh(field, found, before).items():
            fresh[HOURLY[field].name, labels] += amount
    _remember(organization, found, before)
    if since:
        Tally.objects.filter(organization=organization, start__lt=since).exclude(field=ACTIVE).delete()
    add(organization, _bounded(organization, fresh))
    return found != before


def day_sums(organization: Organization, changed: Changed) -> dict[UUID, Counts]:
    """Per objective what the days that hold changed buckets come to; asked before and after they are summed up."""
    days = sorted({(slo, floor(start, DAY)) for slo, start in changed})
    sql = f"""
        SELECT b.slo_id, sum(b.good), sum(b.total)::bigint FROM {TABLE} b
        JOIN unnest(%s::uuid[], %s::timestamptz[]) d (slo_id, start) ON b.slo_id = d.slo_id AND b.start = d.start
        WHERE b.width = 1440 AND b.organization_id = %s GROUP BY 1"""  # noqa: S608
    if not days:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [[slo for slo, _ in days], [day for _, day in days], organization.pk])
        return {slo: Counts(good, total) for slo, good, total in cursor.fetchall()}


def count_events(
    organization: Organization,
    slos: Iterable[SLODefinition],
    before: Mapping[UUID, Counts],
    after: Mapping[UUID, Counts],
) -> None:
    """Good and bad events as they were first decided."""
    nothing = Counts(Decimal(0), 0)
    fresh: dict[Key, Decimal] = {}
    for slo in slos:
        then, now = before.get(slo.pk, nothing), after.get(slo.pk, nothing)
        for outcome, amount in grown({GOOD: now.good - then.good, BAD: now.bad - then.bad}).items():
            fresh[EVENTS, (slo.name, outcome)] = amount
    add(organization, fresh)


def add(organization: Organization, amounts: Mapping[Key, Decimal]) -> None:
    """Let counters grow. For the tick alone."""
    rows = [{"name": name, "labels": labels, "value": str(amounts[name, labels])} for name, labels in sorted(amounts)]
    sql = f"""
        INSERT INTO {Counter._meta.db_table} AS c (organization_id, name, labels, value)
        SELECT %s, name, labels, value FROM jsonb_to_recordset(%s::jsonb) x (name text, labels text[], value numeric)
        ON CONFLICT (organization_id, name, labels) DO UPDATE SET value = c.value + excluded.value"""  # noqa: S608
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(sql, [organization.pk, json.dumps(rows)])


def values(organization: Organization) -> dict[str, dict[Labels, Decimal]]:
    """Every counter of an organisation, by name and labels."""
    found: dict[str, dict[Labels, Decimal]] = defaultdict(dict)
    for name, labels, value in Counter.objects.filter(organization=organization).values_list("name", "labels", "value"):
        found[name][tuple(labels)] = value
    return found


def active(organization: Organization) -> int:
    """Invoices that were uploaded and are neither completed nor rejected nor voided, as of the last tick."""
    parts = Tally.objects.filter(organization=organization, field=ACTIVE).values_list("parts", flat=True)
    return sum(number for ((_, number, _),) in parts)


def _hours(
    organization: Organization,
    marks: Iterable[tuple[str, datetime]],
    since: datetime | None,
    now: datetime,
    last: datetime | None,
) -> dict[str, set[datetime]]:
    """By field. Once a day also those of old invoices that are still open: the clean-up may have taken some."""
    hours: dict[str, set[datetime]] = defaultdict(set)
    for field, at in marks:
        start = floor(at, HOUR)
        if field in HOURLY and (field == ACTIVE or since is None or start >= since):
            hours[field].add(start)
    if since and last and floor(last, DAY) != floor(now, DAY):
        old = Tally.objects.filter(organization=organization, field=ACTIVE, start__lt=since)
        hours[ACTIVE] |= set(old.values_list("start", flat=True))
    return {field: starts for field, starts in hours.items() if starts}


def _count(organization: Organization, hours: Hours) -> Parts:
    found: Parts = defaultdict(dict)
    params: dict[str, Any] = {
        "organization": organization.pk,
        **{field: sorted(starts) for field, starts in hours.items()},
    }
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(HOURLY[field].select(field) for field in sorted(hours)), params)
        for field, start, labels, number, amount in cursor.fetchall():
            found[field, start][tuple(labels)] = number, amount
    return dict(found)


def _stored(organization: Organization, hours: Hours) -> Parts:
    every = {start for starts in hours.values() for start in starts}
    rows = Tally.objects.filter(organization=organization, field__in=list(hours), start__in=every)
    return {
        (row.field, row.start): {tuple(labels): (number, amount) for labels, number, amount in row.parts}
        for row in rows
        if row.start in hours[row.field]
    }


def _fresh(field: str, found: Parts, before: Parts) -> dict[Labels, Decimal]:
    """What all hours of a field have more than before, by labels; of a histogram also the sum, without its edge."""
    numbers: Number[Labels] = Number()
    sums: Number[Labels] = Number()
    for parts, sign in ((found, 1), (before, -1)):
        for by_labels in (by_labels for (of, _), by_labels in parts.items() if of == field):
            for labels, (number, amount) in by_labels.items():
                numbers[labels] += sign * number
                sums[labels[:-1]] += sign * amount
    new = grown({labels: Decimal(number) for labels, number in numbers.items()})
    if HOURLY[field].amount:
        more = {labels[:-1] for labels in new}
        new |= {labels: Decimal(sums[labels]).scaleb(-6) for labels in more if sums[labels] > 0}
    return new


def _remember(organization: Organization, found: Parts, before: Parts) -> None:
    rows = [
        Tally(
            organization=organization,
            field=field,
            start=start,
            parts=[[list(labels), *figures] for labels, figures in sorted(parts.items())],
        )
        for (field, start), parts in found.items()
        if parts != before.get((field, start))
    ]
    Tally.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["organization", "field", "start"], update_fields=["parts"]
    )
    gone: dict[str, list[datetime]] = defaultdict(list)
    for field, start in before.keys() - found.keys():
        gone[field].append(start)
    for field, starts in gone.items():
        Tally.objects.filter(organization=organization, field=field, start__in=starts).delete()


def _bounded(organization: Organization, fresh: Mapping[Key, Decimal]) -> dict[Key, Decimal]:
    """The same with no more kinds and severities of exceptions than may have series of their own."""
    given = {labels: amount for (name, labels), amount in fresh.items() if name == RAISED}
    if not given:
        return dict(fresh)
    known = list(Counter.objects.filter(organization=organization, name=RAISED).values_list("labels", flat=True))
    own = [
        _own({labels[i] for labels in known}, given, i, most) for i, most in enumerate((MOST_KINDS, MOST_SEVERITIES))
    ]
    bounded: dict[Key, Decimal] = defaultdict(Decimal)
    for (name, labels), amount in fresh.items():
        if name == RAISED:
            labels = tuple(word if word in own[i] else REST for i, word in enumerate(labels))
        bounded[name, labels] += amount
    return bounded


def _own(known: set[str], given: Mapping[Labels, Decimal], place: int, most: int) -> set[str]:
    """The words with a series of their own: those that have one, and the most frequent new ones while there is room."""
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for labels, amount in given.items():
        sizes[labels[place]] += amount
    own = known | {UNKNOWN, REST}
    new = sorted(sizes.keys() - own, key=lambda word: (-sizes[word], word))
    return own | set(new[: max(most - len(own) + 2, 0)])
