"""Files are read record by record; what is broken is named with its line, and the good rows go through."""

import gzip
import json
import random

import pytest

from kpis.importers import Broken, Unusable
from tests.kpis.files import broken, gzipped, mapped, read, rows, trace, xes, zipped

CSV = "invoice_id,vendor,amount\nA,Acme,1\nB,Beta,2\nC,Gamma,3\n"
IDS = ["A", "B", "C"]
LOG = """
kind: invoice
events: {}
fields:
  invoice_id: concept:name
  ready_at: {first: Ready}
"""


def ids(records: list) -> list[object]:
    return [row["invoice_id"] for row in rows(records)]


# --- what is read ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv", "\ufeff" + CSV.replace("\n", "\r\n")),
        ("a.CSV.GZ", gzipped(CSV)),
        ("a.zip", zipped({"folder/": "", "folder/a.csv": CSV})),
        ("a.zip", zipped({"a.csv": "invoice_id\nA\n", "b.jsonl": '{"invoice_id": "B"}\n{"invoice_id": "C"}'})),
        ("a.jsonl", "\n".join(json.dumps({"invoice_id": each}) for each in IDS)),
        ("a.ndjson.gz", gzipped("\n\n".join(json.dumps({"invoice_id": each}) for each in IDS))),
        ("a.json", json.dumps([{"invoice_id": each} for each in IDS])),
    ],
)
def test_every_format_and_container_gives_the_same_rows(name: str, content: bytes | str) -> None:
    records = read(name, content)

    assert ids(records) == IDS
    assert broken(records) == []


def test_an_empty_cell_says_nothing_and_null_clears() -> None:
    records = read("a.csv", "invoice_id,vendor,amount,labels.plant,labels.team\n A ,,null,Ulm,\n")

    assert rows(records) == [{"invoice_id": "A", "amount": None, "labels": {"plant": "Ulm"}}]


def test_a_quoted_cell_may_span_lines_and_hold_quotes_and_commas() -> None:
    records = read("a.csv", 'invoice_id,vendor\nA,"Acme, ""the""\nfirm"\nB,Beta\n')

    assert rows(records) == [{"invoice_id": "A", "vendor": 'Acme, "the"\nfirm'}, {"invoice_id": "B", "vendor": "Beta"}]
    assert [record.line for record in records] == [2, 4]


def test_a_trace_is_one_record_and_a_trace_without_named_events_is_skipped() -> None:
    log = xes(trace("A", ("Ready", "2024-01-02T10:00:00+01:00"), ("Ready", "2024-01-01T10:00:00+01:00")), trace("B"))

    first, second = mapped("a.xes", log, LOG)

    assert [(key, str(value)) for key, value in first.fields.items()] == [
        ("invoice_id", "A"),
        ("ready_at", "2024-01-01 09:00:00+00:00"),
    ]
    assert (type(second).__name__, second.line) == ("Skipped", 2)


# --- what is broken ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"B,Beta", "2 columns; the header has 3."),
        (b"B,Beta,2,3", "4 columns; the header has 3."),
        (b'B,"Beta,2', "A quote is opened in this line and not closed where it should be."),
        (b'B,"Beta"x,2', "Not CSV: ',' expected after '\"'."),
        (b"B,Be\0ta,2", "The line holds a NUL byte."),
        (b"B,M\xfcller,2", "Byte 4 is not utf-8: invalid start byte."),
        (b"B," + b"x" * 3_000_000 + b",2", "The line is longer than 1,000,000 bytes."),
    ],
)
def test_a_broken_line_in_the_middle_of_a_csv_costs_only_itself(line: bytes, reason: str) -> None:
    records = read("a.csv", CSV.encode().replace(b"B,Beta,2", line))

    assert ids(records) == ["A", "C"]
    assert broken(records) == [(3, reason)]


def test_a_quote_never_closed_does_not_swallow_later_quoted_lines() -> None:
    lines = ["invoice_id,vendor", 'A,"Acme', 'B,"Beta"', "C,Gamma", 'D,"Delta', *[f"E{n},x" for n in range(300)]]

    records = read("a.csv", "\n".join(lines))

    assert [line for line, _ in broken(records)] == [2, 5]
    assert ids(records) == ["B", "C", *[f"E{n}" for n in range(300)]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[" * 5_000 + b"]" * 5_000, "Nested too deeply."),
        (b'{"invoice_id": "B"', "Not JSON: Input data was truncated."),
        (b'{"invoice_id": "B", "vendor": "\\ud800"}', "Not JSON: Input data was truncated."),
        (
            b'{"invoice_id": "B", "amount": ' + b"1" * 5_000 + b"}",
            "Not JSON: Integer value out of range - at `$[...]`.",
        ),
        (b'{"invoice_id": "\xff"}', "Byte 17 is not utf-8: invalid start byte."),
        (b'"B"', "Not a JSON object."),
        (b'{"invoice_id": "B\0"}', "The line holds a NUL byte."),
    ],
)
def test_a_broken_line_of_json_costs_only_itself(line: bytes, reason: str) -> None:
    records = read("a.jsonl", b'{"invoice_id": "A"}\n' + line + b'\n{"invoice_id": "C"}\n')

    assert ids(records) == ["A", "C"]
    assert broken(records) == [(2, reason)]


def test_a_gzip_that_breaks_off_gives_its_good_rows_and_says_where() -> None:
    noise = random.Random(1)
    lines = ["invoice_id,vendor", *[f"I{n},{noise.getrandbits(200)}" for n in range(5_000)]]
    whole = gzip.compress("\n".join(lines).encode())

    records = read("a.csv.gz", whole[: len(whole) // 2])

    good = ids(records)
    assert 1_000 < len(good) < 4_000
    assert good == [f"I{n}" for n in range(len(good))]
    assert broken(records) == [(len(good) + 2, "The file breaks off here: it is not complete.")]


def test_a_damaged_member_of_a_zip_gives_its_good_rows_and_the_other_members() -> None:
    noise = random.Random(1)
    lines = ["invoice_id,vendor", *[f"I{n},{noise.getrandbits(200)}" for n in range(20_000)]]
    packed = bytearray(zipped({"a.csv": "\n".join(lines), "b.csv": "invoice_id\nZ\n"}))
    packed[len(packed) // 2] ^= 0xFF

    records = read("a.zip", bytes(packed))

    assert "I0" in ids(records)
    assert ids(records)[-1] == "Z"
    damaged = [record for record in records if isinstance(record, Broken)]
    assert {record.file for record in damaged} == {"a.csv"}


def test_xml_is_read_up_to_its_first_error() -> None:
    good = trace("A", ("Ready", "2024-01-01T10:00:00Z"))

    for bad, reason in [
        ("<trace>&unknown;</trace>", "Not well-formed XML at line 5, column 8: undefined entity"),
        ("</log>", "Not well-formed XML at line 6, column 2: not well-formed (invalid token)"),
        ("<trace><event>", "Not well-formed XML at line 6, column 3: mismatched tag"),
        ("<trace>\0</trace>", "Not well-formed XML at line 5, column 8: not well-formed (invalid token)"),
    ]:
        records = mapped("a.xes", xes(good, bad), LOG)

        assert ids(records) == ["A"]
        [(line, said)] = broken(records)
        assert (line, said[: len(reason)]) == (2, reason)


def test_xml_with_declared_entities_is_refused() -> None:
    bomb = '<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><log><trace>&b;</trace></log>'

    [(line, reason)] = broken(mapped("a.xes", bomb, LOG))

    assert line == 1
    assert reason.startswith("XML that declares entities is not read")


def test_an_xes_that_breaks_off_gives_its_whole_traces() -> None:
    log = xes(*[trace(f"A{n}", ("Ready", "2024-01-01T10:00:00Z")) for n in range(100)])

    records = mapped("a.xes", log[: len(log) // 2], LOG)

    good = ids(records)
    assert 40 < len(good) < 60
    assert [line for line, _ in broken(records)] == [len(good) + 1]


# --- what cannot be used at all ----------------------------------------------------------------------------
ENCRYPTED = bytearray(zipped({"a.csv": CSV}))
ENCRYPTED[6] |= 1  # the flag in the local header ...
ENCRYPTED[ENCRYPTED.index(b"PK\x01\x02") + 8] |= 1  # ... and in the directory


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "", "it has no header line"),
        ("a.csv", "1,2,3\n4,5,6\n", "Line 1, the header: '1' is not a field of an invoice. Known: invoice_id, "),
        ("a.csv", "vendor\nAcme\n", "the column 'invoice_id' is missing"),
        ("a.csv", "invoice_id,vendor,vendor\n", "column 'vendor' stands there twice"),
        ("a.csv", CSV.encode("utf-16"), "save the file as UTF-8"),
        ("a.csv.gz", CSV, "ends in .gz but is not a gzip file"),
        ("a.zip", zipped({"a.csv": CSV})[:-30], "Not a complete zip file"),
        ("a.zip", zipped({}), "The zip file holds no file"),
        ("a.zip", zipped({"b.zip": zipped({"a.csv": CSV})}), "b.zip is an archive in an archive"),
        ("a.zip", bytes(ENCRYPTED), "a.csv is encrypted"),
        ("a.csv.gz.gz", gzipped(gzipped(CSV)), "archive in an archive"),
        ("a.xlsx", b"PK", "the ending does not tell the format. Known: .csv, .jsonl, .ndjson, .json, .xes"),
        ("a.json", '[{"invoice_id": "A"}', "Not JSON"),
        ("a.json", "[" * 5_000 + "]" * 5_000, "Nested too deeply"),
        ("a.json", "3", "Not a JSON object"),
        ("a.xes", xes(trace("A")), "give a mapping"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(name: str, content: bytes | str, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        read(name, content)

    assert reason in str(refused.value)


def test_a_document_without_what_the_mapping_looks_for_is_no_success() -> None:
    with pytest.raises(Unusable, match="root element is <html>, not <log>"):
        mapped("a.xes", "<html><trace/></html>", LOG)
    mapping = "kind: invoice\nrecords: ['a.b[]']\nfields: {invoice_id: id}"

    assert broken(mapped("a.json", '{"a": {"b": []}}', mapping)) == [(1, "The document holds no record at a.b[].")]
    assert ids(mapped("a.json", '{"a": {"b": [{"id": 7}]}}', mapping)) == ["7"]


def test_a_member_that_cannot_be_used_does_not_stop_the_others() -> None:
    packed = zipped({"README": "hello", "inner.csv.gz": gzipped(CSV), "bad.csv": "x\n1\n", "a.csv": CSV})

    records = read("a.zip", packed)

    assert ids(records) == IDS
    refused = [record.file for record in records if isinstance(record, Broken)]
    assert refused == ["README", "inner.csv.gz", "bad.csv"]
