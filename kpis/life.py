"""What happened to one invoice, in the order in which it happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kpis.models import InvoiceException, InvoiceMetric

CHECKS = {True: "passed", False: "failed", None: "not known"}


@dataclass(frozen=True)
class Step:
    """`bad`: it is no part of the smooth way of an invoice."""

    at: datetime
    word: str
    detail: str = ""
    bad: bool = False


def life(invoice: InvoiceMetric, exceptions: Sequence[InvoiceException]) -> list[Step]:
    """Oldest first; of the same moment in the order of the process."""
    return sorted([*_steps(invoice), *_of_exceptions(exceptions)], key=lambda step: step.at)


def _steps(invoice: InvoiceMetric) -> Iterator[Step]:
    known: tuple[tuple[datetime | None, str, str, bool], ...] = (
        (invoice.uploaded_at, "Uploaded", f"by {invoice.channel}" if invoice.channel else "", False),
        (invoice.extracted_at, "Extracted", _confidence(invoice), False),
        (invoice.validated_at, "Validated", _checks(invoice), _failed(invoice)),
        (invoice.ready_at, "Ready", "", False),
        (invoice.approved_at, "Approved", "", False),
        (invoice.rejected_at, "Rejected", "", True),
        (invoice.completed_at, "Completed", invoice.processing_outcome or "", invoice.processing_outcome == "failed"),
        (invoice.duplicate_confirmed_at, *_duplicate(invoice)),
        (invoice.voided_at, "Voided", "it leaves every figure but duplicate recall", True),
    )
    yield from (Step(at, word, detail, bad) for at, word, detail, bad in known if at is not None)


def _confidence(invoice: InvoiceMetric) -> str:
    found = invoice.extraction_confidence
    return "" if found is None else f"with a confidence of {found.normalize():f}"


def _checks(invoice: InvoiceMetric) -> str:
    return f"structure {CHECKS[invoice.structural_valid]}, sums {CHECKS[invoice.math_valid]}"


def _failed(invoice: InvoiceMetric) -> bool:
    return False in (invoice.structural_valid, invoice.math_valid)


def _duplicate(invoice: InvoiceMetric) -> tuple[str, str, bool]:
    if not invoice.duplicate_confirmed:
        return "Looked at as a duplicate", "it is none" if invoice.duplicate_confirmed is False else "", False
    flagged = invoice.duplicate_flagged
    return "Confirmed as a duplicate", "it had been flagged" if flagged else "it had not been flagged", True


def _of_exceptions(exceptions: Sequence[InvoiceException]) -> Iterator[Step]:
    for one in exceptions:
        name = ", ".join(filter(None, (one.kind, one.severity, one.exception_id)))
        if one.opened_at:
            yield Step(one.opened_at, "Exception", name, bad=True)
        if one.resolved_at:
            yield Step(one.resolved_at, "Exception resolved", name)
