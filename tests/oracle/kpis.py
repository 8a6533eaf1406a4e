"""The KPIs of a stretch of time, invoice by invoice, in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tests.oracle.facts import Row, World

Span = tuple[datetime, datetime]


@dataclass
class KPIs:
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)  # invoices by the kinds of their exceptions
    amounts: Counter[str] = field(default_factory=Counter)  # by currency
    confidences: list[Decimal] = field(default_factory=list)
    seconds: dict[str, list[Fraction]] = field(default_factory=lambda: defaultdict(list))

    def rate(self, part: str, *whole: str) -> float | None:
        total = sum(self.counts[name] for name in whole)
        return float(Fraction(100 * self.counts[part], total)) if total else None


def kpis(world: World, span: Span, only: Mapping[str, object] | None = None) -> KPIs:
    found = KPIs()
    for row in world.invoices:
        if all(row.get(name) == value for name, value in (only or {}).items()):
            duplicates(found, row, span)
            if "voided_at" not in row:
                uploaded(found, row, span, list(exceptions_of(world, row)))
                elsewhere(found, row, span)
    return found


def exceptions_of(world: World, invoice: Row) -> Iterator[Row]:
    return (row for row in world.exceptions if row.get("invoice_id") == invoice["invoice_id"])


def lies_in(span: Span, at: object) -> bool:
    return isinstance(at, datetime) and span[0] <= at < span[1]


def duplicates(found: KPIs, row: Row, span: Span) -> None:
    if row.get("duplicate_confirmed") and lies_in(span, row.get("duplicate_confirmed_at")):
        found.counts["duplicates"] += 1
        found.counts["caught"] += bool(row.get("duplicate_flagged"))


def uploaded(found: KPIs, row: Row, span: Span, exceptions: Iterable[Row]) -> None:
    if not lies_in(span, row.get("uploaded_at")):
        return
    kinds = {str(one.get("kind", "")) for one in exceptions}
    outcome, retries = row.get("processing_outcome"), row.get("retry_count") or 0
    touched = bool(kinds) or row.get("requires_human_review") is True or retries != 0
    found.counts.update(["total", outcome or "undecided"])
    found.counts["excepted"] += bool(kinds)
    found.counts["straight"] += outcome == "succeeded" and not touched
    found.counts["reviewed"] += row.get("requires_human_review") is True
    found.counts["retried"] += retries != 0
    found.counts["retries"] += int(str(retries))
    found.kinds.update(kinds)
    if "amount" in row:
        found.amounts[str(row.get("currency", ""))] += row["amount"]  # type: ignore[operator]


def elsewhere(found: KPIs, row: Row, span: Span) -> None:
    checks = row.get("structural_valid"), row.get("math_valid")
    if lies_in(span, row.get("validated_at")) and None not in checks:
        found.counts["checked"] += 1
        found.counts["first"] += all(checks) and not row.get("retry_count")
    if lies_in(span, row.get("extracted_at")) and "extraction_confidence" in row:
        found.confidences.append(Decimal(str(row["extraction_confidence"])))
    steps = (("ready", "uploaded_at", "ready_at"), ("approved", "ready_at", "approved_at"))
    for name, start, end in (*steps, ("cycle", "uploaded_at", "completed_at")):
        began, ended = row.get(start), row.get(end)
        if isinstance(began, datetime) and isinstance(ended, datetime) and ended >= began and lies_in(span, ended):
            lasted = ended - began
            microseconds = (lasted.days * 86400 + lasted.seconds) * 1_000_000 + lasted.microseconds
            found.seconds[name].append(Fraction(microseconds, 1_000_000))


def percentile(values: list[Fraction], share: Fraction) -> Fraction:
    """In proportion between the two values next to the place."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = ordered[int(place)]
    high = ordered[min(int(place) + 1, len(ordered) - 1)]
    return low + (high - low) * (place - int(place))


def backlog(world: World, now: datetime) -> list[datetime]:
    """When the open invoices were uploaded."""
    return sorted(
        at
        for row in world.invoices
        if isinstance(at := row.get("uploaded_at"), datetime)
        and at <= now
        and not {"approved_at", "rejected_at", "voided_at"} & row.keys()
        and row.get("processing_outcome") != "failed"
    )
