"""Whatever a file holds, reading it ends in records or in one refusal, never in another error."""

import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kpis.importers import Broken, Row, Skipped, Unusable, parse_mapping, read_records
from kpis.messages import INVOICE
from tests.kpis.files import OWN, gzipped, trace, xes, zipped

LOG = parse_mapping("kind: invoice\nevents: {}\nfields: {invoice_id: concept:name, ready_at: {first: Ready}}", INVOICE)
CSV = 'invoice_id,vendor\nA,"Acme, ""x"""\nB,Beta\n'
FILES = {
    "a.csv": CSV.encode(),
    "a.csv.gz": gzipped(CSV),
    "a.zip": zipped({"a.csv": CSV, "b.jsonl": '{"invoice_id": "C"}\n'}),
    "a.jsonl": b'{"invoice_id": "A", "labels": {"a": "b"}}\n' * 3,
    "a.json": b'[{"invoice_id": "A"}, {"invoice_id": "B"}]',
    "a.xes": xes(trace("A", ("Ready", "2024-01-01T10:00:00Z")), trace("B", ("Ready", "2024-01-01"))).encode(),
}
EDITS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 8), st.binary(max_size=8)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FILES)), EDITS)
@example("a.csv", [])
@example("a.xes", [])
@example("a.zip", [])
@example("a.zip", [(0, 1, b"")])
@example("a.xes", [(30, 1, b"")])
def test_a_damaged_file_ends_in_records_or_in_one_refusal(name: str, edits: list[tuple[int, int, bytes]]) -> None:
    data = bytearray(FILES[name])
    for place, removed, added in edits:
        at = place % (len(data) + 1)
        data[at : at + removed] = added
    try:
        records = list(read_records(io.BytesIO(data), name, LOG if name == "a.xes" else OWN))
    except Unusable:
        assert edits
        return

    assert all(isinstance(record, Row | Broken | Skipped) for record in records)
    assert edits or any(isinstance(record, Row) for record in records)
