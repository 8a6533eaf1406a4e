"""The samples of an organisation, kept as text: what a scrape reads is what the tick that wrote the figures wrote.

It is stored because a thousand objectives take a tenth of a second to put into words, and a scrape a few
milliseconds to read. Written in the tick's transaction when a figure has changed, and each minute for what no tick
notices: an objective that was renamed or deleted.
"""

import logging
from collections import Counter as Number
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import OperationalError, connection, transaction
from django.utils.text import slugify

from accounts.models import Organization
from alerts.models import AlertEvent
from monitoring import families
from monitoring.exposition import Family, histogram, line, pairs, sample
from monitoring.models import Exposed
from slos import budget, counters, hourly
from slos.judged import Objectives
from slos.lock import try_alone
from slos.models import Counter, EngineState, SLODefinition, SLOSnapshot
from slos.status import SLOStatus, empty_snapshot
from slos.windows import look_back_counts

ALERTS, LAST_EVENT = "slo_alerts", "slo_alerts_last_event"
COUNTED = (AlertEvent.Kind.OPENED, AlertEvent.Kind.WORSENED)
NOTHING = Decimal(0)
log = logging.getLogger(__name__)
Counted = Mapping[str, Mapping[counters.Labels, Decimal]]
Lines = Iterator[tuple[Family, str]]


def follow(organization: Organization, now: datetime, last: datetime | None, objectives: Objectives) -> None:
    """After the alerts, in the tick's transaction: count those that are new, and write what has changed.

    What cannot be put into words stops neither figures nor alerts.
    """
    try:
        with transaction.atomic():
            counted = count_alerts(organization, last)
            if counted or last is None or _has_changed(organization, now, last):
                store(organization, [SLOStatus(one.slo, one.row, now) for one in objectives.values()])
    except OperationalError:
        raise
    except Exception:
        log.exception("the samples of an organisation could not be written: %s", organization.slug)


def refresh(organization: Organization, *, now: datetime) -> bool:
    """Write them now, unless a tick is about to: what was read before it must not be written after it."""
    with transaction.atomic():
        if not try_alone(organization):
            return False
        store(organization, _statuses(organization, now))
        return True


def _has_changed(organization: Organization, now: datetime, last: datetime) -> bool:
    state = EngineState.objects.filter(organization=organization, figures_changed_at=now)
    return state.exists() or organization.slos.filter(updated_at__gte=last).exists()


def count_alerts(organization: Organization, last: datetime | None) -> int:
    """Alerts that have opened or worsened since the tick before, each event once."""
    row = Counter.objects.filter(organization=organization, name=LAST_EVENT).first()
    seen = int(row.value) if row else 0
    events = AlertEvent.objects.filter(organization=organization, kind__in=COUNTED, id__gt=seen)
    if last:
        events = events.filter(at__gte=last)
    new = list(events.values_list("id", "alert__slo__name", "alert__alert_type", "details__severity"))
    amounts: dict[counters.Key, Decimal] = defaultdict(Decimal)
    for pk, name, alert_type, severity in new:
        amounts[ALERTS, (name or "", alert_type, severity)] += 1
        amounts[LAST_EVENT, ()] = max(amounts[LAST_EVENT, ()], Decimal(pk - seen))
    counters.add(organization, amounts)
    return len(new)


def store(organization: Organization, statuses: Iterable[SLOStatus]) -> None:
    """Write what differs from what is stored."""
    samples: dict[str, list[str]] = {family.name: [] for family in (*families.STORED, *families.SLOTH)}
    for family, text in _lines(organization, sorted(statuses, key=lambda status: status.slo.name)):
        samples[family.name].append(text)
    table = Exposed._meta.db_table
    rows = ", ".join(
        ["(%s, %s, %s)"] * len(samples)
    )  # an array of such long texts takes the driver as long as all else
    sql = f"""
        INSERT INTO {table} AS e (organization_id, family, samples) VALUES {rows}
        ON CONFLICT (organization_id, family) DO UPDATE SET samples = excluded.samples
        WHERE e.samples <> excluded.samples"""  # noqa: S608 - our own table
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for name in samples for value in (organization.pk, name, "".join(samples[name]))])


def _lines(organization: Organization, statuses: Sequence[SLOStatus]) -> Lines:
    counted = counters.values(organization)
    base = {"organization": organization.slug}
    yield from _facts(base, counted)
    yield families.ACTIVE, sample(families.ACTIVE.name, base, counters.active(organization))
    for status in statuses:
        yield from _objective(base, status, counted)
    for (name, alert_type, severity), value in sorted(counted.get(ALERTS, {}).items()):
        labels = {**base, "slo_name": name, "alert_type": alert_type, "severity": severity}
        yield families.ALERTS, sample(families.ALERTS.name, labels, value)
    for status, slug in zip(statuses, _slugs([status.slo for status in statuses]), strict=True):
        yield from _sloth(base, status, slug)


def _statuses(organization: Organization, now: datetime) -> list[SLOStatus]:
    slos = list(organization.slos.active())
    snapshots = SLOSnapshot.objects.in_bulk([slo.pk for slo in slos])
    return [SLOStatus(slo, snapshots.get(slo.pk) or empty_snapshot(slo, now), now) for slo in slos]


def _facts(base: Mapping[str, str], counted: Counted) -> Lines:
    """What can be 0 is shown as 0, so that the first event is an increase."""
    for family, name, label, known in (
        (families.PROCESSED, hourly.PROCESSED, "status", ("succeeded", "failed")),
        (families.VALIDATED, hourly.VALIDATED, "result", ("pass", "fail")),
    ):
        for word in known:
            value = counted.get(name, {}).get((word,), NOTHING)
            yield family, sample(family.name, {**base, label: word}, value)
    durations = counted.get(hourly.DURATION, {})
    for step in ("upload_ready", "ready_approved"):
        places = {int(key[1]): value for key, value in durations.items() if len(key) == 2 and key[0] == step}
        total = durations.get((step,), NOTHING)
        name, labels = families.DURATION.name, {**base, "step": step}
        yield families.DURATION, "".join(histogram(name, labels, hourly.SECONDS, places, total))
    confidences = counted.get(hourly.CONFIDENCE, {})
    places = {int(labels[0]): value for labels, value in confidences.items() if labels}
    lines = histogram(families.CONFIDENCE.name, base, hourly.CONFIDENCES, places, confidences.get((), NOTHING))
    yield families.CONFIDENCE, "".join(lines)
    for (kind, severity), value in sorted(counted.get(hourly.RAISED, {}).items()):
        labels = {**base, "exception_type": kind, "severity": severity}
        yield families.EXCEPTIONS, sample(families.EXCEPTIONS.name, labels, value)


def _objective(base: Mapping[str, str], status: SLOStatus, counted: Counted) -> Lines:
    """A ratio that nobody knows has no sample."""
    slo = status.slo
    named = pairs({**base, "slo_name": slo.name})  # rendered once: that takes longer than all the rest
    achieved, spent = status.achieved_percentage, status.consumed_percentage
    if achieved is not None and spent is not None:
        typed = f'{named},sli_type="{slo.sli_type}"'
        yield families.ACHIEVED, line(families.ACHIEVED.name, f'{typed},period="{slo.measurement_period}"', achieved)
        yield families.CONSUMED, line(families.CONSUMED.name, typed, spent)
    for outcome in (counters.GOOD, counters.BAD):
        value = counted.get(counters.EVENTS, {}).get((slo.name, outcome), NOTHING)
        yield families.EVENTS, line(families.EVENTS.name, f'{named},outcome="{outcome}"', value)


def _slugs(slos: Sequence[SLODefinition]) -> list[str]:
    """What Sloth would call them; where two would have one name, a piece of their ids tells them apart."""
    names = [slugify(slo.name) or slo.sli_type for slo in slos]
    often = Number(names)
    return [name if often[name] == 1 else f"{name}-{str(slo.pk)[:8]}" for name, slo in zip(names, slos, strict=True)]


def _sloth(base: Mapping[str, str], status: SLOStatus, slug: str) -> Lines:
    service = base["organization"]
    labels = pairs({**base, "sloth_id": f"{service}-{slug}", "sloth_service": service, "sloth_slo": slug})
    window = status.window
    days = window.length.total_seconds() / 86_400
    yield families.OBJECTIVE, line(families.OBJECTIVE.name, labels, status.slo.target_percentage / 100)
    yield families.BUDGET, line(families.BUDGET.name, labels, status.share)
    yield families.DAYS, line(families.DAYS.name, labels, round(days, 6))
    for name, family in families.ERRORS.items():
        counts = look_back_counts(status.snapshot, name)
        if counts.total:
            ratio = float(counts.bad) / counts.total
            yield family, line(family.name, f'{labels},sloth_window="{name}"', ratio)
    current = budget.burn_rate(look_back_counts(status.snapshot, "5m"), status.share)
    if current is not None:
        yield families.BURN, line(families.BURN.name, labels, float(current))
    spent = budget.consumed(window.counts, status.share)
    if spent is not None:
        yield families.PERIOD_BURN, line(families.PERIOD_BURN.name, labels, float(spent))
        yield families.REMAINING, line(families.REMAINING.name, labels, float(1 - spent))
