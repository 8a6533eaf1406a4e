"""The life of one invoice, from its upload to the end, as what a workflow would tell of it step by step. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import log
from random import Random

from slo_portal.simulation import firm
from slo_portal.simulation.incidents import NORMAL, Conditions

INVOICES, EXCEPTIONS = "invoices", "exceptions"
PREFIX = "SIM-"  # of every id: what is made up can be told from the rest
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SCANNED = "scan"
FAILS, CANNOT_BE_READ = 0.023, 0.4  # share of all; of these, those that OCR cannot read
REJECTED, EXCEPTION, REVIEWED, RETRIED = 0.012, 0.08, 0.35, 0.03
KINDS = {  # how often, and how severe
    "price_mismatch": (30, "medium"),
    "missing_purchase_order": (25, "medium"),
    "unreadable_scan": (15, "low"),
    "unknown_vendor": (12, "high"),
    "tax_mismatch": (10, "high"),
    "possible_duplicate": (8, "low"),
}


@dataclass(frozen=True)
class Step:
    """Something that happens `at` a moment, which the message gives as `when`; `kind` is the address it goes to."""

    at: datetime
    kind: str
    key: str
    when: str
    says: dict[str, object] = field(default_factory=dict)

    def moved(self, at: datetime) -> "Step":
        return replace(self, at=at)


def meets(vendor: firm.Vendor, under: Conditions) -> bool:
    """Whether the invoices of this vendor notice anything of the conditions."""
    read = under.ocr_minutes is None or vendor.channel in firm.ON_PAPER
    return read and (not under.approver_away or vendor.approver == firm.AWAY)


def life(random: Random, vendor: firm.Vendor, at: datetime, number: int, under: Conditions = NORMAL) -> list[Step]:
    """What happens to one invoice that is uploaded `at`, in order of time."""
    invoice = _Invoice(random, vendor, f"{PREFIX}{at:%y%m%d-%H%M%S}-{number}", under)
    return sorted(invoice.steps(at.replace(microsecond=0)), key=lambda step: step.at)


class _Invoice:
    def __init__(self, random: Random, vendor: firm.Vendor, key: str, under: Conditions) -> None:
        self.random, self.vendor, self.key, self.under = random, vendor, key, under

    def steps(self, uploaded: datetime) -> Iterator[Step]:
        yield self._step(uploaded, "uploaded_at", **self._about())
        failed = self.random.random() < FAILS
        extracted = uploaded + self._extraction()
        if failed and self.random.random() < CANNOT_BE_READ:
            yield self._step(extracted, "completed_at", processing_outcome="failed")
            return
        yield self._step(extracted, "extracted_at", extraction_confidence=self._confidence())
        validated = extracted + self._usually(8 * SECOND, 0.4)
        yield self._step(validated, "validated_at", structural_valid=not self._happens(self.under.invalid),
                         math_valid=not self._happens(0.004), requires_human_review=False)  # fmt: skip
        yield from self._exception(validated)
        yield from self._duplicate(validated)
        ready = validated + self._usually(12 * SECOND, 0.4)
        yield self._step(ready, "ready_at")
        if self._happens(REJECTED):
            yield self._step(ready + self._usually(35 * MINUTE, 0.6), "rejected_at")
            return
        approved = ready + self._approval()
        yield self._step(approved, "approved_at")
        outcome = "failed" if failed else "succeeded"
        yield self._step(approved + self._usually(3 * MINUTE, 0.5), "completed_at", processing_outcome=outcome)

    def _about(self) -> dict[str, object]:
        vendor = self.vendor
        return {
            "vendor": vendor.name,
            "channel": vendor.channel,
            "document_type": vendor.document_type,
            "amount": round(self.random.lognormvariate(log(vendor.amount), 0.7), 2),
            "currency": vendor.currency,
            "page_count": min(1 + int(self.random.expovariate(0.7)), 40),
            "retry_count": int(self._happens(RETRIED)),
            "labels": {"approver": vendor.approver},
        }

    def _extraction(self) -> timedelta:
        if self.under.ocr_minutes and self.vendor.channel in firm.ON_PAPER:
            return self.random.uniform(*self.under.ocr_minutes) * MINUTE
        return self._usually((95 if self.vendor.channel == SCANNED else 50) * SECOND, 0.55)

    def _confidence(self) -> float:
        doubt = self.random.betavariate(1.3, 29 if self.vendor.channel != SCANNED else 18)
        return round(1 - doubt, 4)

    def _approval(self) -> timedelta:
        if self.under.approver_away and self.vendor.approver == firm.AWAY:
            return self.random.uniform(26, 70) * HOUR
        return self._usually(35 * MINUTE, 0.72)

    def _exception(self, at: datetime) -> Iterator[Step]:
        if not self._happens(EXCEPTION):
            return
        kind = self.random.choices(list(KINDS), [often for often, _ in KINDS.values()])[0]
        about: dict[str, object] = {"invoice_id": self.key, "kind": kind, "severity": KINDS[kind][1]}
        yield Step(at, EXCEPTIONS, f"{self.key}-E1", "opened_at", about)
        if self._happens(REVIEWED):
            yield self._step(at + SECOND, "", requires_human_review=True)
        yield Step(at + self._usually(70 * MINUTE, 0.6), EXCEPTIONS, f"{self.key}-E1", "resolved_at")

    def _duplicate(self, at: datetime) -> Iterator[Step]:
        if not self._happens(self.under.duplicates):
            return
        if not self._happens(self.under.missed):
            yield self._step(at, "", duplicate_flagged=True)
        yield self._step(at + self._usually(2 * MINUTE, 0.3), "duplicate_confirmed_at", duplicate_confirmed=True)

    def _step(self, at: datetime, when: str, **says: object) -> Step:
        return Step(at, INVOICES, self.key, when, says)

    def _happens(self, share: float) -> bool:
        return self.random.random() < share

    def _usually(self, median: timedelta, spread: float) -> timedelta:
        """Mostly about the median, sometimes several times as long; whole seconds."""
        seconds = self.random.lognormvariate(log(median.total_seconds()), spread)
        return timedelta(seconds=max(1, round(seconds)))


def messages(steps: Iterable[Step]) -> dict[str, list[dict[str, object]]]:
    """What to tell the portal of these steps, by address: one message per invoice and exception."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    for step in steps:
        name = "invoice_id" if step.kind == INVOICES else "exception_id"
        message = found.setdefault((step.kind, step.key), {name: step.key})
        message.update(step.says)
        if step.when:
            message[step.when] = step.at.isoformat(timespec="seconds")
    return {kind: [one for (of, _), one in found.items() if of == kind] for kind in (INVOICES, EXCEPTIONS)}
