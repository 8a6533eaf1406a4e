"""The table of section 1 of the definitions, line by line: what is an event, when it is decided, and how."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from kpis.periods import floor
from slos.models import SLIBucket, SLODefinition, SLOSnapshot
from slos.tick import tick
from tests.oracle import figures, slis
from tests.slos.playing import create_slos, stored

pytestmark = pytest.mark.django_db

START = datetime(2024, 5, 6, 9, 2, tzinfo=UTC)
NOW = datetime(2024, 5, 8, 12, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LIMITS = {
    "time_to_ready": (Decimal(5), "minutes"),
    "approval_latency": (Decimal(2), "hours"),
    "exception_resolution_time": (Decimal(4), "hours"),
}
FIVE, TWO, FOUR = (slis.threshold(*limit) for limit in LIMITS.values())

Fields = dict[str, Any]


def after(**durations: timedelta) -> Fields:
    """Moments, each given as a time after START."""
    return {name: START + length for name, length in durations.items()}


ZERO = timedelta(0)


def label(value: object) -> str:
    return " ".join(value) if isinstance(value, dict) else str(value)


UPLOADED, READY, OPENED = after(uploaded_at=ZERO), after(ready_at=ZERO), after(opened_at=ZERO)
VOIDED = after(voided_at=timedelta(days=1))
CHECKED, DONE = after(validated_at=ZERO), after(completed_at=ZERO)
READ = {**after(extracted_at=ZERO), "extraction_confidence": "0.93"}
TWICE = {**after(duplicate_confirmed_at=ZERO), "duplicate_confirmed": True}

# SLI, what is known of the invoice or exception, the good part of its event and how long after START it was decided
EVENTS: list[tuple[str, Fields, str, timedelta]] = [
    ("time_to_ready", UPLOADED | after(ready_at=timedelta(minutes=3)), "1", timedelta(minutes=3)),
    ("time_to_ready", UPLOADED | after(ready_at=ZERO), "1", ZERO),
    ("time_to_ready", UPLOADED | after(ready_at=FIVE), "1", FIVE),
    ("time_to_ready", UPLOADED | after(ready_at=FIVE + MICROSECOND), "0", FIVE),
    ("time_to_ready", UPLOADED, "0", FIVE),
    ("time_to_ready", UPLOADED | after(rejected_at=timedelta(minutes=1)), "0", FIVE),
    ("validation_pass_rate", CHECKED | {"structural_valid": True, "math_valid": True}, "1", ZERO),
    ("validation_pass_rate", CHECKED | {"structural_valid": False, "math_valid": True}, "0", ZERO),
    ("validation_pass_rate", CHECKED | {"structural_valid": True, "math_valid": False}, "0", ZERO),
    ("processing_success_rate", DONE | {"processing_outcome": "succeeded"}, "1", ZERO),
    ("processing_success_rate", DONE | {"processing_outcome": "failed"}, "0", ZERO),
    ("extraction_accuracy", READ, "0.93", ZERO),
    ("extraction_accuracy", READ | {"extraction_confidence": "0"}, "0", ZERO),
    ("approval_latency", READY | after(approved_at=TWO), "1", TWO),
    ("approval_latency", READY | after(approved_at=TWO + MICROSECOND), "0", TWO),
    ("approval_latency", READY, "0", TWO),
    ("approval_latency", READY | after(rejected_at=TWO + MICROSECOND), "0", TWO),
    ("approval_latency", READY | after(approved_at=TWO, rejected_at=FIVE), "1", TWO),
    ("exception_resolution_time", OPENED | after(resolved_at=FOUR), "1", FOUR),
    ("exception_resolution_time", OPENED | after(resolved_at=FOUR + MICROSECOND), "0", FOUR),
    ("exception_resolution_time", OPENED, "0", FOUR),
    ("exception_resolution_time", OPENED | {"invoice_id": "unheard of"}, "0", FOUR),
    ("duplicate_recall", TWICE | {"duplicate_flagged": True}, "1", ZERO),
    ("duplicate_recall", TWICE | {"duplicate_flagged": False}, "0", ZERO),
    ("duplicate_recall", TWICE, "0", ZERO),
    ("duplicate_recall", TWICE | VOIDED, "0", ZERO),
]

NO_EVENTS: list[tuple[str, Fields]] = [
    ("time_to_ready", UPLOADED | VOIDED),
    ("time_to_ready", READY),
    ("validation_pass_rate", CHECKED | {"structural_valid": True, "math_valid": True} | VOIDED),
    ("validation_pass_rate", CHECKED | {"structural_valid": True}),
    ("validation_pass_rate", CHECKED | {"math_valid": False}),
    ("validation_pass_rate", {"structural_valid": True, "math_valid": True}),
    ("processing_success_rate", DONE | {"processing_outcome": "failed"} | VOIDED),
    ("processing_success_rate", DONE),
    ("processing_success_rate", {"processing_outcome": "failed"}),
    ("extraction_accuracy", READ | VOIDED),
    ("extraction_accuracy", after(extracted_at=ZERO)),
    ("extraction_accuracy", {"extraction_confidence": "0.93"}),
    ("approval_latency", READY | VOIDED),
    ("approval_latency", after(approved_at=ZERO)),
    ("approval_latency", READY | after(rejected_at=TWO)),
    ("approval_latency", READY | after(approved_at=TWO + MICROSECOND, rejected_at=ZERO)),
    ("exception_resolution_time", after(resolved_at=ZERO)),
    ("exception_resolution_time", OPENED | {"invoice_id": "void"}),
    ("duplicate_recall", TWICE | {"duplicate_confirmed": False}),
    ("duplicate_recall", {"duplicate_confirmed": True}),
    ("duplicate_recall", after(duplicate_confirmed_at=ZERO)),
]

# two messages, each fine in itself; together they contradict
CONTRADICTIONS: list[tuple[str, Fields, Fields]] = [
    ("time_to_ready", UPLOADED, after(ready_at=-MICROSECOND)),
    ("approval_latency", READY, after(approved_at=-MICROSECOND)),
    ("approval_latency", READY, after(rejected_at=-MICROSECOND)),
    ("exception_resolution_time", OPENED, after(resolved_at=-MICROSECOND)),
]


@pytest.fixture
def organization() -> Organization:
    return Organization.objects.create(name="Firm", slug="firm")


@pytest.fixture
def slos(organization: Organization) -> dict[str, SLODefinition]:
    return create_slos(organization, LIMITS)


def tell(organization: Organization, sli: str, *told: Fields, now: datetime = NOW) -> None:
    """Store messages about the one invoice or exception of a test; the invoice "void" is voided."""
    kind = EXCEPTION if sli == "exception_resolution_time" else INVOICE
    voided = {"invoice_id": "void", "voided_at": START}
    assert store_rows(INVOICE, organization, [voided], now=now).rejected == 0
    assert store_rows(kind, organization, [{kind.key: "one", **fields} for fields in told], now=now).rejected == 0


def five_minutes(slo: SLODefinition) -> figures.Sums:
    return {row.start: stored(row) for row in SLIBucket.objects.filter(slo=slo, width=5)}


@pytest.mark.parametrize(("sli", "fields", "good", "decided"), EVENTS, ids=label)
def test_an_event_enters_the_bucket_in_which_it_was_decided(
    organization: Organization,
    slos: dict[str, SLODefinition],
    sli: str,
    fields: Fields,
    good: str,
    decided: timedelta,
) -> None:
    tell(organization, sli, fields)
    tick(organization, now=NOW)
    events = {start: (Decimal(str(float(part.good))), part.total) for start, part in five_minutes(slos[sli]).items()}
    assert {start: event for start, event in events.items() if event[1]} == {floor(START + decided): (Decimal(good), 1)}


@pytest.mark.parametrize(("sli", "fields", "good", "decided"), EVENTS, ids=label)
def test_an_event_is_not_counted_before_it_is_decided(
    organization: Organization,
    slos: dict[str, SLODefinition],
    sli: str,
    fields: Fields,
    good: str,
    decided: timedelta,
) -> None:
    tell(organization, sli, fields)
    before = START + decided - MICROSECOND
    tick(organization, now=before)
    assert not any(part.total for part in five_minutes(slos[sli]).values())
    assert SLOSnapshot.objects.get(slo=slos[sli]).pending == (1 if sli in LIMITS else 0)
    tick(organization, now=START + decided)
    assert sum(part.total for part in five_minutes(slos[sli]).values()) == 1
    assert SLOSnapshot.objects.get(slo=slos[sli]).pending == 0


@pytest.mark.parametrize(("sli", "fields"), NO_EVENTS, ids=label)
def test_what_is_no_event_leaves_no_trace(
    organization: Organization, slos: dict[str, SLODefinition], sli: str, fields: Fields
) -> None:
    tell(organization, sli, fields)
    tick(organization, now=START + MICROSECOND)
    assert SLOSnapshot.objects.get(slo=slos[sli]).pending == 0
    tick(organization, now=NOW)
    assert five_minutes(slos[sli]) == {}
    row = SLOSnapshot.objects.get(slo=slos[sli])
    assert (row.good, row.total, row.pending) == (0, 0, 0)


@pytest.mark.parametrize(("sli", "first", "second"), CONTRADICTIONS, ids=label)
@pytest.mark.parametrize("turned", [False, True])
def test_what_contradicts_the_stored_row_is_stored_but_not_counted_until_it_is_mended(
    organization: Organization, slos: dict[str, SLODefinition], sli: str, first: Fields, second: Fields, turned: bool
) -> None:
    tell(organization, sli, *((second, first) if turned else (first, second)))
    tick(organization, now=NOW)
    assert five_minutes(slos[sli]) == {}
    tell(organization, sli, dict.fromkeys(second))
    tick(organization, now=NOW)
    ((start, part),) = five_minutes(slos[sli]).items()
    assert (start, part.good, part.total) == (floor(START + slis.threshold(*LIMITS[sli])), 0, 1)


def test_three_confidences_are_summed_exactly(organization: Organization, slos: dict[str, SLODefinition]) -> None:
    rows = [
        {"invoice_id": str(i), "extracted_at": START, "extraction_confidence": confidence}
        for i, confidence in enumerate(("0.90", "0.95", "0.99"))
    ]
    store_rows(INVOICE, organization, rows, now=NOW)
    tick(organization, now=NOW)
    row = SLIBucket.objects.get(slo=slos["extraction_accuracy"], width=5)
    assert (row.good, row.total) == (Decimal("2.84"), 3)


# in floating point the seconds between two moments and the seconds of the limit may differ by one bit
@pytest.mark.parametrize("hours", ["26.2761", "26.2764", "191.9987", "0.0001", "2"])
@pytest.mark.parametrize(("more", "good"), [(-1, 1), (0, 1), (1, 0)])
def test_a_limit_holds_to_the_microsecond(organization: Organization, hours: str, more: int, good: int) -> None:
    slos = create_slos(organization, {**LIMITS, "time_to_ready": (Decimal(hours), "hours")})
    ready = START + slis.threshold(Decimal(hours), "hours") + more * MICROSECOND
    later = ready + timedelta(hours=1)
    tell(organization, "time_to_ready", {"uploaded_at": START, "ready_at": ready}, now=later)
    tick(organization, now=later)
    assert sum(part.good for part in five_minutes(slos["time_to_ready"]).values()) == good
