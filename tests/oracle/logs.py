"""The three real logs as messages, read by hand; docs/how-to/import-event-logs.md says what stands for what."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Told = dict[str, object]
Happening = tuple[str, datetime]  # activity, moment

RECEIPT, CANCEL, CLEAR = "Record Invoice Receipt", "Cancel Invoice Receipt", "Clear Invoice"
PAYABLE = ("Remove Payment Block", CLEAR)


# --- BPI Challenge 2019 ----------------------------------------------------------------------------------
def purchase_items(path: Path) -> Iterator[Told]:
    """One invoice per trace of the gzipped XES file."""
    with gzip.open(path) as file:
        for _, element in ElementTree.iterparse(file):  # noqa: S314 - a file that we chose
            if element.tag.endswith("trace"):
                told = purchase_item(element)
                if any(name.endswith("_at") for name in told):  # else it was never invoiced
                    yield told
                element.clear()


def value_of(element: ElementTree.Element, key: str) -> str:
    return next(child.attrib["value"] for child in element if child.attrib.get("key") == key)


def purchase_item(trace: ElementTree.Element) -> Told:
    events = [child for child in trace if child.tag.endswith("event")]
    happened = [
        (value_of(event, "concept:name"), datetime.fromisoformat(value_of(event, "time:timestamp"))) for event in events
    ]
    told: Told = {"invoice_id": value_of(trace, "concept:name"), "document_type": "purchase_order_item"}
    for name, activities in (
        ("uploaded_at", ("Vendor creates invoice",)),
        ("ready_at", (RECEIPT,)),
        ("approved_at", PAYABLE),
        ("completed_at", (CLEAR,)),
    ):
        moments = times(happened, *activities)
        if moments:
            told[name] = min(moments)
    if "completed_at" in told:
        told["processing_outcome"] = "succeeded"
    cancelled = times(happened, CANCEL)
    if cancelled and len(times(happened, RECEIPT)) <= len(cancelled):
        told["voided_at"] = max(cancelled)
    return told


def times(happened: list[Happening], *activities: str) -> list[datetime]:
    return [moment for activity, moment in happened if activity in activities]


# --- UCI incidents ---------------------------------------------------------------------------------------
def incidents(path: Path) -> Iterator[Told]:
    """One exception per incident of the zipped CSV file: what its latest update says."""
    latest: dict[str, tuple[datetime, dict[str, str]]] = {}
    with zipfile.ZipFile(path) as archive, archive.open("incident_event_log.csv") as file:
        for row in csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")):
            updated = a_stamp(row["sys_updated_at"])
            if row["number"] not in latest or latest[row["number"]][0] <= updated:
                latest[row["number"]] = updated, row
    for number, (_, row) in latest.items():
        told: Told = {"exception_id": number, "kind": row["category"], "severity": row["priority"]}
        for name in ("opened_at", "resolved_at"):
            if row[name] != "?":
                told[name] = a_stamp(row[name])
        yield told


def a_stamp(text: str) -> datetime:
    """A stamp such as 29/2/2016 01:16; the log names no zone, UTC is assumed."""
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)


# --- Azure document analysis -----------------------------------------------------------------------------
def analyses(path: Path) -> Iterator[Told]:
    """One invoice per document of a recording: the mean confidence of its fields at the end of the analysis."""
    recording = json.loads(path.read_text(), parse_float=Decimal)
    for entry in recording["Entries"]:
        body = entry.get("ResponseBody")
        result = body.get("analyzeResult") if isinstance(body, dict) else None
        if not result:
            continue
        analysis = entry["RequestUri"].split("analyzeResults/")[1].split("?")[0]
        for number, document in enumerate(result.get("documents") or result.get("documentResults") or [], start=1):
            yield {
                "invoice_id": f"{analysis}-{number}",
                "extracted_at": body["lastUpdatedDateTime"],
                **confidence(document["fields"]),
            }


def confidence(fields: dict[str, Any]) -> Told:
    known = [
        Fraction(field["confidence"]) for field in fields.values() if field and field.get("confidence") is not None
    ]
    if not known:
        return {}
    mean = round(Fraction(sum(known), len(known)), 6)  # half to even
    return {"extraction_confidence": str(Decimal(mean.numerator) / Decimal(mean.denominator))}
