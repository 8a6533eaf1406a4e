"""Rows of plain values, as imports have them."""

from datetime import UTC, datetime

import pytest

from kpis.messages import INVOICE, Invoice, Refused, read_fields

NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize("number", ["1700000000", "1700000000.5", 1700000000, 1.7e9, "2024", "null"])
def test_a_number_is_not_a_time(number: object) -> None:
    refused = read_fields(INVOICE, {"invoice_id": "A", "ready_at": number}, NOW)

    assert isinstance(refused, Refused)
    assert [(error.field, error.code) for error in refused.errors] == [("ready_at", "type")]


@pytest.mark.parametrize(
    "time", ["2024-06-03T10:00:00Z", "2024-06-03T12:00:00+02:00", datetime(2024, 6, 3, 10, tzinfo=UTC)]
)
def test_a_time_with_an_offset_is_read(time: object) -> None:
    row = read_fields(INVOICE, {"invoice_id": "A", "ready_at": time, "page_count": "3", "math_valid": "true"}, NOW)

    assert isinstance(row, Invoice)
    assert row.ready_at == datetime(2024, 6, 3, 10, tzinfo=UTC)
    assert (row.page_count, row.math_valid) == (3, True)
