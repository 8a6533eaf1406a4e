"""The delivered mappings on the real logs: the counts that docs/how-to/import-event-logs.md names."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kpis.importers import Row, read_mapping, read_records
from kpis.messages import EXCEPTION, INVOICE, Kind, Refused, read_fields
from tests.kpis.files import DATA

NOW = datetime(2024, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the logs in ../shared/data")


def outcome(path: Path, mapping: str, kind: Kind) -> tuple[Counter[str], dict[str, dict[str, object]]]:
    """What becomes of the records, and the fields of those that ingestion takes, by id."""
    counts: Counter[str] = Counter()
    taken = {}
    with path.open("rb") as raw:
        for record in read_records(raw, path.name, read_mapping(mapping, kind)):
            if not isinstance(record, Row):
                counts[type(record).__name__] += 1
                continue
            message = read_fields(kind, record.fields, NOW)
            if isinstance(message, Refused):
                counts.update(f"{error.field} {error.code}" for error in message.errors)
            else:
                counts["taken"] += 1
                taken[str(record.fields[kind.key])] = record.fields
    return counts, taken


def test_bpi_challenge_2019() -> None:
    counts, taken = outcome(DATA / "bpic2019" / "16_bpic2019_1t_per_variant.xes.gz", "bpic2019", INVOICE)

    expected = {
        "taken": 9_347,
        "Skipped": 2_441,
        "ready_at order": 163,
        "approved_at order": 21,
        "uploaded_at range": 1,
    }
    assert counts == expected
    assert {name: str(value) for name, value in taken["2000000000_00001"].items()} == {
        "invoice_id": "2000000000_00001",
        "document_type": "purchase_order_item",
        "uploaded_at": "2018-01-02 22:59:00+00:00",
        "ready_at": "2018-03-06 07:53:00+00:00",
        "approved_at": "2018-03-29 13:06:00+00:00",
        "completed_at": "2018-03-29 13:06:00+00:00",
        "processing_outcome": "succeeded",
    }


def test_uci_incidents() -> None:
    counts, taken = outcome(DATA / "uci_incident" / "incident_event_log.zip", "uci_incident", EXCEPTION)

    assert counts == {"taken": 24_918}
    assert sum("resolved_at" not in fields for fields in taken.values()) == 1_556
    assert {name: str(value) for name, value in taken["INC0000045"].items()} == {
        "exception_id": "INC0000045",
        "kind": "Category 55",
        "severity": "moderate",
        "opened_at": "2016-02-29 01:16:00+00:00",
        "resolved_at": "2016-02-29 11:29:00+00:00",
    }


def test_azure_extraction_results_of_both_generations() -> None:
    found = {}
    for path in sorted((DATA / "azure_extraction").glob("*.json")):
        counts, taken = outcome(path, "azure_extraction", INVOICE)
        assert set(counts) == {"taken"}
        found |= taken

    assert len(found) == 15
    later = found["88380442-a226-4c3c-9b2e-2355ef73cf76-1"]
    earlier = found["3dd3b8a9-a319-47d5-9710-059828a80406-1"]
    assert (later["extraction_confidence"], earlier["extraction_confidence"]) == ("0.732111", "0.995000")
    assert str(later["extracted_at"]) == "2022-08-17 01:52:30+00:00"
    assert later["labels"] == {"invoice_number": "34278587"}
