"""Small worlds made by chance: what happened, how it was told (late, twice, wrongly), and when somebody looked.

Every function draws from the `random.Random` that it is given, so that hypothesis can steer and shrink it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.oracle.clocks import Times, some_calendar
from tests.oracle.facts import EXCEPTION, INVOICE
from tests.oracle.slis import SLIS, TIMED, threshold

Told = dict[str, object]

# a zone, and a moment shortly before its clock does something unusual
PLACES = [
    ("UTC", "2024-12-28T21:00Z"),  # the ISO week and the year do not end together
    ("Europe/Berlin", "2024-03-30T12:00Z"),
    ("Europe/Dublin", "2024-10-26T12:00Z"),
    ("America/New_York", "2024-11-02T12:00Z"),
    ("America/St_Johns", "2010-11-06T12:00Z"),  # set back over midnight
    ("America/Sao_Paulo", "2018-11-03T12:00Z"),  # no midnight
    ("Asia/Kathmandu", "2024-02-28T12:00Z"),
    ("Australia/Lord_Howe", "2024-04-06T03:00Z"),  # half an hour
    ("Pacific/Apia", "2011-12-29T12:00Z"),  # no 30 December
    ("Pacific/Chatham", "2024-09-28T03:00Z"),
    ("Africa/Casablanca", "2024-03-09T18:00Z"),
]
THRESHOLDS = [
    ("5", "minutes"),
    ("2", "hours"),
    ("4", "hours"),
    ("90", "seconds"),
    ("1", "days"),
    ("60.0001", "hours"),
    ("0.0001", "minutes"),
]
WINDOWS = [("rolling", 30), ("rolling", 1), ("rolling", 7), ("week", 30), ("month", 30), ("quarter", 30)]
PROMISES = [
    (Decimal("95"), None),
    (Decimal("85"), None),
    (Decimal("99.999"), None),
    (Decimal("90"), Decimal("7.5")),
]
PARTS: list[dict[str, str]] = [{}, {"vendor": "Ada"}, {"label:a": "x"}, {"vendor": "Bo", "label:b": "y"}]
MICROSECOND, SECOND = timedelta(microseconds=1), timedelta(seconds=1)
DUPLICATED, LATE, CORRECTED = 10, 5, 3  # percent of the messages


class Tell(NamedTuple):
    kind: str
    messages: list[Told]


class Tick(NamedTuple):
    pass


class Edit(NamedTuple):
    sli: str
    value: Decimal
    unit: str


class Reclock(NamedTuple):
    """Another calendar, or none: then all time counts."""

    sli: str
    calendar: list[Times]


class Narrow(NamedTuple):
    sli: str
    only: dict[str, str]


class Measure(NamedTuple):
    period: str


class Pause(NamedTuple):
    sli: str


class Resume(NamedTuple):
    sli: str


class Exclude(NamedTuple):
    """Of one SLI or of all: a period, or an invoice that is known by then."""

    sli: str | None
    start: datetime
    end: datetime
    invoice: str = ""


class Withdraw(NamedTuple):
    place: int  # among those that hold, counted round


Action = Tick | Edit | Reclock | Narrow | Measure | Pause | Resume | Exclude | Withdraw
Step = tuple[datetime, Tell | Action]


@dataclass
class Script:
    """What is done to an organisation, step by step, each at its moment; the last step is a tick."""

    zone: ZoneInfo
    start: datetime
    limits: dict[str, tuple[Decimal, str]]  # of the timed SLIs
    windows: dict[str, tuple[str, int]]  # by SLI, for some: kind and days
    promises: dict[str, tuple[Decimal, Decimal | None]] = field(default_factory=dict)  # likewise: target, budget
    parts: dict[str, dict[str, str]] = field(default_factory=dict)  # likewise: the part of the work
    clocks: dict[str, list[Times]] = field(default_factory=dict)  # likewise: the calendar of a timed one
    steps: list[Step] = field(default_factory=list)

    @property
    def end(self) -> datetime:
        return self.steps[-1][0]


def chance(rng: Random, percent: int) -> bool:
    return rng.randrange(100) >= 100 - percent  # a run shrinks towards nothing unusual


def a_limit(rng: Random) -> tuple[Decimal, str]:
    value, unit = rng.choice(THRESHOLDS)
    return Decimal(value), unit


def a_while(rng: Random, limits: list[timedelta]) -> timedelta:
    """How long a step of the work takes: often just about a limit, now and then less than nothing."""
    if chance(rng, 5):
        return -timedelta(minutes=rng.randrange(1, 300))
    limit = rng.choice(limits)
    around = [limit, limit - MICROSECOND, limit + MICROSECOND, timedelta(0), timedelta(minutes=rng.randrange(300))]
    return max(timedelta(0), rng.choice([*around, timedelta(hours=rng.randrange(40), seconds=7)]))


def a_start(rng: Random, base: datetime) -> datetime:
    jitter = rng.choice([timedelta(0), MICROSECOND, -MICROSECOND, timedelta(seconds=rng.randrange(300))])
    return base + timedelta(minutes=5 * rng.randrange(36 * 12)) + jitter


def written(rng: Random, moment: datetime, zone: ZoneInfo) -> object:
    """A moment as some program might write it."""
    forms = [moment.isoformat(), moment.isoformat().replace("+00:00", "Z"), moment.astimezone(zone).isoformat(), moment]
    return rng.choice(forms)


def an_invoice(rng: Random, base: datetime, limits: list[timedelta]) -> Iterator[Told]:
    """The steps of one invoice as facts; any of them may never happen."""
    uploaded = a_start(rng, base)
    ready = uploaded + a_while(rng, limits)
    if chance(rng, 90):
        yield {"uploaded_at": uploaded, "vendor": rng.choice(["Ada", "Bo"])}
    if chance(rng, 60):
        confidence = Decimal(rng.randrange(1_000_001)).scaleb(-6)
        yield {"extracted_at": a_start(rng, base), "extraction_confidence": str(confidence)}
    if chance(rng, 60):
        checks = {
            "structural_valid": rng.choice([True, False, None]),
            "math_valid": rng.choice([True, "false", "true"]),
        }
        yield {"validated_at": uploaded + a_while(rng, limits), **checks}
    if chance(rng, 80):
        yield {"ready_at": ready}
    if chance(rng, 60):
        yield {"approved_at": ready + a_while(rng, limits)}
    if chance(rng, 30):
        yield {"rejected_at": ready + a_while(rng, limits)}
    if chance(rng, 60):
        yield {"completed_at": a_start(rng, base), "processing_outcome": rng.choice(["succeeded", "failed"])}
    if chance(rng, 30):
        yield {"duplicate_flagged": rng.choice([True, False])}
    if chance(rng, 40):
        yield {"duplicate_confirmed": rng.choice([True, True, False]), "duplicate_confirmed_at": a_start(rng, base)}
    if chance(rng, 10):
        yield {"voided_at": uploaded + a_while(rng, limits)}
    if chance(rng, 30):
        yield {"labels": {rng.choice("ab"): rng.choice(["x", "y", None])}}
    if chance(rng, 10):
        yield {"vendor": rng.choice(["Ada", "Bo"])}


def an_exception(rng: Random, base: datetime, limits: list[timedelta], invoices: int) -> Iterator[Told]:
    opened = a_start(rng, base)
    if chance(rng, 95):
        yield {"opened_at": opened, "kind": "price"}
    if chance(rng, 60):
        yield {"invoice_id": f"i{rng.randrange(invoices + 1)}"}
    if chance(rng, 70):
        yield {"resolved_at": opened + a_while(rng, limits)}
    if chance(rng, 15):
        yield {"labels": {rng.choice("ab"): rng.choice(["x", "y", None])}}


def contradicted(rng: Random, message: Told, base: datetime) -> Told:
    """The message again with one field changed or cleared."""
    name = rng.choice(sorted(message))
    value: object = None
    if name.endswith("_at") and chance(rng, 60):
        value = a_start(rng, base)
    elif isinstance(message[name], bool) and chance(rng, 50):
        value = not message[name]
    return {name: value}


def spoiled(rng: Random, message: Told) -> Told:
    """The message with something that gets it refused."""
    faults: list[Told] = [
        {"colour": "red"},
        {"uploaded_at": "2024-01-01T00:00:00"},
        {"uploaded_at": "1999-12-31T23:59:59.999999+00:00"},
        {"opened_at": "2001-02-30T00:00:00Z", "extraction_confidence": "1.000001"},
        {"voided_at": "2999-01-01T00:00:00Z", "resolved_at": "2999-01-01T00:00:00Z"},
    ]
    return {**message, **rng.choice(faults)}


def told(rng: Random, key: Told, life: list[Told], base: datetime, zone: ZoneInfo) -> Iterator[Told]:
    """The messages about one row: its facts one by one or several at once, some twice, some wrong and mended later."""
    messages: list[Told] = []
    for part in life:
        if messages and chance(rng, 40):
            messages[-1] = {**messages[-1], **part}
        else:
            messages.append(part)
    for message in list(messages):
        if chance(rng, DUPLICATED):
            messages.append(message)
        if chance(rng, CORRECTED):
            messages.append(contradicted(rng, message, base))
        if chance(rng, 2):
            messages.append(spoiled(rng, message))
    for message in messages:
        texts = {k: written(rng, v, zone) if isinstance(v, datetime) else v for k, v in message.items()}
        yield {**key, **texts}


def everything_told(rng: Random, script: Script, invoices: int, exceptions: int) -> list[tuple[str, Told]]:
    limits = [threshold(*limit) for limit in script.limits.values()]
    base, zone = script.start, script.zone
    messages: list[tuple[str, Told]] = []
    for i in range(invoices):
        life = list(an_invoice(rng, base, limits))
        messages += [(INVOICE, m) for m in told(rng, {"invoice_id": f"i{i}"}, life, base, zone)]
    for e in range(exceptions):
        life = list(an_exception(rng, base, limits, invoices))
        messages += [(EXCEPTION, m) for m in told(rng, {"exception_id": f"e{e}"}, life, base, zone)]
    rng.shuffle(messages)
    late = [message for message in messages if chance(rng, LATE)]
    return [message for message in messages if not any(message is one for one in late)] + late


def an_exclusion(rng: Random, base: datetime) -> Exclude:
    start = a_start(rng, base)
    end = start + rng.choice([SECOND, 3600 * SECOND, timedelta(hours=rng.randrange(1, 40))])
    return Exclude(rng.choice([None, *SLIS]), start, end, rng.choice(["", "", "i0", "i1"]))


def a_clock(rng: Random, base: datetime) -> list[Times]:
    """On a grid of 15 minutes. A week has some hours, so that no deadline lies years ahead."""
    found = some_calendar(rng, base.date(), 15) if chance(rng, 40) else []
    enough = all(sum(b - a for hours in one.week for a, b in hours) > 1200 for one in found)
    return found if enough else []


def some_actions(rng: Random, base: datetime, *, clocks: bool) -> list[Action]:
    """What an operator or the schedule does between two batches of messages."""
    actions: list[Action] = []
    if chance(rng, 35):
        actions += [Tick(), Measure(rng.choice(["hourly", "daily", "weekly"]))]
    if chance(rng, 10):
        actions.append(Edit(rng.choice(TIMED), *a_limit(rng)))
    if clocks and chance(rng, 10):
        actions.append(Reclock(rng.choice(TIMED), a_clock(rng, base)))
    if chance(rng, 5):
        actions.append(Narrow(rng.choice(SLIS), rng.choice(PARTS)))
    if chance(rng, 10):
        sli = rng.choice(SLIS)
        switches: list[Action] = [Pause(sli), Resume(sli)]
        actions.append(rng.choice(switches))
    if chance(rng, 20):
        actions.append(an_exclusion(rng, base))
    if chance(rng, 10):
        actions.append(Withdraw(rng.randrange(3)))
    return [*actions, Tick()]


def script(rng: Random, invoices: int = 5, exceptions: int = 3, *, clocks: bool = False) -> Script:
    """A script for up to so many invoices and exceptions; with `clocks` some limits are read in working time."""
    place, start = rng.choice(PLACES)
    made = Script(
        zone=ZoneInfo(place),
        start=datetime.fromisoformat(start).astimezone(UTC),
        limits={sli: a_limit(rng) for sli in TIMED},
        windows={sli: rng.choice(WINDOWS) for sli in [*TIMED, "extraction_accuracy", "duplicate_recall"]},
        promises={sli: rng.choice(PROMISES) for sli in SLIS},
        parts={sli: rng.choice(PARTS) if chance(rng, 40) else {} for sli in SLIS},
    )
    if clocks:
        made.clocks = {sli: a_clock(rng, made.start) for sli in TIMED}
    messages = everything_told(rng, made, 1 + rng.randrange(invoices), rng.randrange(exceptions + 1))
    now = made.start + timedelta(hours=rng.randrange(36))
    while messages:
        now += rng.choice([SECOND, 300 * SECOND, 3800 * SECOND, timedelta(hours=rng.randrange(30))])
        size = 1 + rng.randrange(8)
        batch, messages = messages[:size], messages[size:]
        for kind in (INVOICE, EXCEPTION):
            made.steps.append((now, Tell(kind, [message for k, message in batch if k == kind])))
        if chance(rng, 60):
            now += rng.randrange(400) * SECOND
            made.steps += [(now, action) for action in some_actions(rng, made.start, clocks=clocks)]
    now += rng.choice([0, 0, 5, 72, 72, 32 * 24]) * 3600 * SECOND
    made.steps += [(now, Resume(sli)) for sli in SLIS]
    made.steps.append((now, Tick()))
    return made
