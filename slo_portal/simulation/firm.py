"""The firm whose invoices are made up: from whom they come, by which way, and when. Pure."""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
# how many arrive in each hour of a working day, by the clock on the wall; 7 to 18 o'clock, with a pause for lunch
WORKING_DAY = (0, 0, 0, 0, 0, 0, 1, 4, 9, 13, 14, 11, 7, 9, 12, 10, 6, 3, 1, 0, 0, 0, 0, 0)
BUSY_HOUR = max(WORKING_DAY) / sum(WORKING_DAY)  # share of a working day
WEEKEND, MONTH_END = 0.04, 1.5  # against an ordinary working day
SATURDAY, LAST_DAYS = 5, 3


@dataclass(frozen=True)
class Vendor:
    """`share` and `amount` are relative weights and the usual amount in the currency."""

    name: str
    share: int
    channel: str
    document_type: str
    approver: str
    amount: int
    currency: str = "EUR"


VENDORS = (
    Vendor("Northwind Paper", 14, "email", "invoice", "B. Okafor", 340),
    Vendor("Halden Logistics", 12, "edi", "invoice", "M. Lindqvist", 1_850),
    Vendor("Castell Energy", 9, "edi", "invoice", "M. Lindqvist", 6_200),
    Vendor("Brightline Telecom", 8, "portal", "invoice", "B. Okafor", 420),
    Vendor("Ostrava Steelworks", 7, "email", "invoice", "J. Moreau", 14_800),
    Vendor("Pinewood Facilities", 7, "scan", "invoice", "B. Okafor", 760),
    Vendor("Quay Street Catering", 6, "scan", "receipt", "S. Adeyemi", 95),
    Vendor("Verde Packaging", 6, "email", "invoice", "J. Moreau", 2_300),
    Vendor("Altmark Chemicals", 5, "email", "invoice", "J. Moreau", 8_900),
    Vendor("Lumen Office Supply", 5, "portal", "invoice", "B. Okafor", 180),
    Vendor("Kestrel Travel", 5, "portal", "receipt", "S. Adeyemi", 610),
    Vendor("Fjord Maritime", 4, "edi", "invoice", "M. Lindqvist", 11_400, "NOK"),
    Vendor("Rowan & Pike Legal", 3, "scan", "invoice", "S. Adeyemi", 4_750, "GBP"),
    Vendor("Tessel Software", 3, "email", "invoice", "S. Adeyemi", 3_200, "USD"),
    Vendor("Beacon Staffing", 3, "email", "invoice", "S. Adeyemi", 5_600),
    Vendor("Altmark Returns", 3, "scan", "credit_note", "J. Moreau", 870),
)
AWAY = "J. Moreau"  # goes on holiday
ON_PAPER = ("email", "scan")  # channels whose invoices have to be read by OCR


def vendor(random: Random, only: Callable[[Vendor], bool] = lambda _: True) -> Vendor:
    """One of those who send, as often as they do."""
    known = [one for one in VENDORS if only(one)]
    return random.choices(known, [one.share for one in known])[0]


def weight(moment: datetime) -> float:
    """How many invoices arrive in this local hour, against others."""
    last = monthrange(moment.year, moment.month)[1]
    day = WEEKEND if moment.weekday() >= SATURDAY else MONTH_END if moment.day > last - LAST_DAYS else 1.0
    return day * WORKING_DAY[moment.hour]


def hours(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, float]]:
    """Each hour of [start, end) and its weight; that of a part of an hour is smaller."""
    while start < end:
        yield start, weight(start.astimezone(zone)) * (min(HOUR, end - start) / HOUR)
        start += HOUR


def arrivals(random: Random, number: int, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """When `number` invoices arrive in [start, end), in no order; evenly where none would."""
    known = list(hours(start, end, zone))
    weights = [weight for _, weight in known]
    chosen = random.choices([hour for hour, _ in known], weights if any(weights) else None, k=number)
    return [hour + random.random() * min(HOUR, end - hour) for hour in chosen]
