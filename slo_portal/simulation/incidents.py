"""What may go wrong at the firm, by name. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5


@dataclass(frozen=True)
class Conditions:
    """Under which an invoice is handled. Shares are 0..1, `ocr_minutes` from and to."""

    ocr_minutes: tuple[float, float] | None = None  # else seconds, as usual
    approver_away: bool = False
    duplicates: float = 0.015
    missed: float = 0.008  # of the duplicates
    invalid: float = 0.05


@dataclass(frozen=True)
class Incident:
    """Live it begins with invoices that came `since` so many minutes ago, `busy_hours` of them: enough to judge by."""

    says: str
    conditions: Conditions
    since: tuple[float, float]
    busy_hours: float


NORMAL = Conditions()
INCIDENTS = {
    "ocr_slowdown": Incident("OCR takes a quarter of an hour and more", Conditions((18, 70)), (24, 6), 1.5),
    "approver_on_holiday": Incident(
        "Nobody approves for an approver on holiday", Conditions(approver_away=True), (170, 130), 3
    ),
    "duplicate_burst": Incident(
        "A vendor sends its invoices again", Conditions(duplicates=0.8, missed=0.5), (25, 6), 0.7
    ),
    "validation_rule_change": Incident(
        "A new rule refuses what used to be valid", Conditions(invalid=0.85), (24, 4), 3
    ),
}


@dataclass(frozen=True)
class Spell:
    """An incident of the past."""

    name: str
    start: datetime
    end: datetime


# of the past: how many days ago at least, at which hour of a working day, for how many hours
HISTORY = (("validation_rule_change", 8, 14, 1.5), ("ocr_slowdown", 12, 10, 1.0), ("approver_on_holiday", 19, 8, 30.0))


def history(now: datetime, zone: ZoneInfo) -> Iterator[Spell]:
    """What went wrong in the month before, and was over long ago."""
    for name, days, hour, lasts in HISTORY:
        day = now.astimezone(zone) - timedelta(days=days)
        while day.weekday() >= SATURDAY:
            day -= timedelta(days=1)
        start = day.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)
        yield Spell(name, start, start + timedelta(hours=lasts))
