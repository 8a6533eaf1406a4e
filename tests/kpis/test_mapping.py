"""What a mapping file can say, and how a wrong one is told."""

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from kpis.importers import Unusable, delivered, parse_mapping, read_mapping
from kpis.importers.fields import Spec
from kpis.importers.mappingfile import Head
from kpis.messages import EXCEPTION, INVOICE
from tests.kpis.files import broken, mapped, rows, trace, xes

MINIMAL = "kind: invoice\nfields:\n  invoice_id: Beleg\n"


def one(csv: str, mapping: str) -> dict[str, object]:
    records = mapped("a.csv", csv, mapping)
    assert broken(records) == []
    [row] = rows(records)
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def event_log(events: list[tuple[str, str]], field: str) -> dict[str, object]:
    mapping = f"kind: invoice\nevents: {{}}\nfields:\n  invoice_id: concept:name\n  {field}\n"
    [row] = rows(mapped("a.xes", xes(trace("A", *events)), mapping))
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


# --- one record --------------------------------------------------------------------------------------------
def test_columns_zones_formats_missing_markers_words_constants_and_labels() -> None:
    mapping = """
kind: invoice
delimiter: ";"
encoding: latin-1
time_zone: Europe/Berlin
time_formats: ["%d.%m.%Y %H:%M", iso]
missing: ["-"]
fields:
  invoice_id: Beleg
  vendor: [Lieferant, Kreditor]
  uploaded_at: Eingang
  ready_at: Bereit
  approved_at: Freigabe
  math_valid: {from: Rechnerisch, values: {ja: true, nein: false}}
  channel: {value: post}
  labels.plant: Werk
""".replace("[Lieferant, Kreditor]", "{from: [Lieferant, Kreditor]}")
    csv = (
        "Beleg;Lieferant;Kreditor;Eingang;Bereit;Freigabe;Rechnerisch;Werk\n"
        " 4711 ;-;Müller;29.2.2024 13:30;2024-07-01T12:00:00-05:00;-;ja;\n"
    )
    records = mapped("a.csv", csv.encode("latin-1"), mapping)

    [row] = rows(records)
    assert {name: str(value) for name, value in row.items()} == {
        "invoice_id": "4711",
        "vendor": "Müller",
        "uploaded_at": "2024-02-29 12:30:00+00:00",
        "ready_at": "2024-07-01 17:00:00+00:00",
        "math_valid": "True",
        "channel": "post",
    }


def test_numbers_of_json_are_text_for_ingestion_and_objects_are_refused() -> None:
    mapping = MINIMAL + "  amount: total.net\n  vendor: {from: [seller.name, seller]}\n"
    lines = '{"Beleg": 4711, "total": {"net": 12.5}}\n{"Beleg": 1, "seller": {"id": 3}}\n'

    records = mapped("a.jsonl", lines, mapping)

    assert rows(records) == [{"invoice_id": "4711", "amount": "12.5"}]
    assert broken(records) == [(2, "vendor: is an object or a list, not a single value.")]


def test_match_takes_a_part_of_the_text_and_join_puts_parts_together() -> None:
    mapping = """
kind: invoice
fields:
  invoice_id: {join: [{from: Jahr}, {from: Nummer, match: "RE0*([0-9]+)"}], with: /}
"""
    assert one("Jahr,Nummer\n2024,RE00042\n", mapping) == {"invoice_id": "2024/42"}
    assert broken(mapped("a.csv", "Jahr,Nummer\n2024,GS1\n", mapping)) == [
        (2, "invoice_id: 'GS1' does not match 'RE0*([0-9]+)'.")
    ]


def test_the_mean_is_exact_to_six_decimals_half_to_even() -> None:
    mapping = "kind: invoice\nfields: {invoice_id: id, extraction_confidence: {mean: fields.*.confidence}}"

    def mean(*confidences: str) -> object:
        fields = ", ".join(f'"f{i}": {{"confidence": {c}}}' for i, c in enumerate(confidences))
        [row] = rows(mapped("a.jsonl", f'{{"id": "A", "fields": {{{fields}}}}}', mapping))
        return row.get("extraction_confidence")

    assert mean("0.1", "0.2") == "0.150000"
    assert mean("0.000001", "0.000002") == "0.000002"  # 0.0000015 rounds to even
    assert mean("0.000002", "0.000003") == "0.000002"  # 0.0000025 too
    assert mean("null") is None
    assert mean("1", "null") == "1.000000"


def test_every_bad_value_of_a_row_is_named() -> None:
    mapping = MINIMAL + "  ready_at: Zeit\n  math_valid: {from: Ok, values: {ja: true}}\n"

    records = mapped("a.csv", "Beleg,Zeit,Ok\nA,31.2.2024,doch\nB,2024-01-01T10:00,ja\n", mapping)

    assert broken(records) == [
        (2, "ready_at: '31.2.2024' is not a time written as iso. math_valid: 'doch' is not listed under `values`."),
        (3, "ready_at: '2024-01-01T10:00' has no offset, and the mapping gives no time_zone."),
    ]


def test_a_missing_column_is_told_before_anything_is_read() -> None:
    with pytest.raises(Unusable, match=r"no column 'Beleg', which the mapping reads for fields.invoice_id"):
        mapped("a.csv", "Nummer,Betrag\nA,1\n", MINIMAL)


# --- event logs --------------------------------------------------------------------------------------------
EVENTS = [
    ("Receive", "2024-01-02T10:00:00Z"),
    ("Cancel", "2024-01-03T10:00:00Z"),
    ("Receive", "2024-01-01T10:00:00Z"),
    ("Pay", "2024-01-05T10:00:00Z"),
]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("ready_at: {first: Receive}", "2024-01-01T10:00:00+00:00"),
        ("ready_at: {last: Receive}", "2024-01-02T10:00:00+00:00"),
        ("approved_at: {first: [Pay, Receive]}", "2024-01-01T10:00:00+00:00"),
        ("approved_at: {last: [Receive, Cancel]}", "2024-01-03T10:00:00+00:00"),
        ("voided_at: {last: Cancel, unless_more: Receive}", None),
        ("voided_at: {last: Cancel, unless_more: Pay}", "2024-01-03T10:00:00+00:00"),
        ("processing_outcome: {value: succeeded, if: [Pay, Clear]}", "succeeded"),
        ("processing_outcome: {value: succeeded, if: Clear}", None),
    ],
)
def test_fields_of_an_event_log(field: str, expected: str | None) -> None:
    pinned = "uploaded_at: {first: Receive}\n  "  # so that the case is not skipped

    row = event_log(EVENTS, pinned + field)

    assert row.get(field.split(":")[0]) == expected


CASES = """
kind: exception
events: {case: number, time: updated}
time_zone: UTC
time_formats: ["%d/%m/%Y %H:%M"]
missing: ["?"]
fields:
  exception_id: number
  kind: category
  severity: {from: priority, take: first}
"""


def test_rows_of_a_case_come_together_in_the_order_of_their_times(monkeypatch: pytest.MonkeyPatch) -> None:
    csv = "\n".join(
        [
            "number,updated,category,priority",
            "B,1/1/2024 10:00,early,low",
            "A,3/1/2024 10:00,last,high",
            "B,1/1/2024 10:00,same minute,high",
            "A,1/1/2024 10:00,first,low",
            "A,4/1/2024 10:00,?,?",
            ",1/1/2024 10:00,,",
            "C,soon,x,y",
        ]
    )
    expected = [
        {"exception_id": "A", "kind": "last", "severity": "low"},
        {"exception_id": "B", "kind": "same minute", "severity": "low"},
    ]
    said = [(7, "The row names no case."), (8, "updated: 'soon' is not a time written as %d/%m/%Y %H:%M.")]

    in_memory = mapped("a.csv", csv, CASES)
    monkeypatch.setattr("kpis.importers.grouping.RUN_BYTES", 1)  # every row is a run of its own on disk
    on_disk = mapped("a.csv", csv, CASES)

    assert rows(in_memory) == rows(on_disk) == expected
    assert broken(in_memory) == broken(on_disk) == said
    assert [record.line for record in in_memory] == [7, 3, 2, 8]


BOMB = "a: &a [x, x]\n" + "".join(f"{k}: &{k} [*{j}, *{j}]\n" for j, k in pairwise("abcdefghijklmnopqrstuvw"))


# --- wrong mappings ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, the mapping: Expected `object`, got `null`"),
        ("kind: invoice\n", "line 1, the mapping: Object missing required field `fields`"),
        (MINIMAL + "  : :\n -", "line 4: not YAML: "),
        (MINIMAL + "  vendor: a\n  vendor: b", "line 5: 'vendor' stands there twice"),
        (MINIMAL + "fromat: csv", "line 4, fromat: unknown key"),
        (MINIMAL + "format: xls", "line 4, format: Invalid enum value 'xls'"),
        (MINIMAL.replace("invoice", "exception", 1), "line 1, kind: this mapping makes exceptions"),
        (MINIMAL + "  colour: c", "line 4, fields.colour: not a field of an invoice. Known: invoice_id, vendor"),
        (MINIMAL + "  labels: c", "line 4, fields.labels: not a field"),
        ("kind: invoice\nfields: {vendor: v}", "line 2, fields: invoice_id is missing"),
        (MINIMAL + "  vendor: 3", "line 4, fields.vendor: Expected `object`, got `int`; put it in quotes"),
        (MINIMAL + "  vendor: {form: x}", "line 4, fields.vendor.form: unknown key"),
        (MINIMAL + "  vendor: {}", "line 4, fields.vendor: needs exactly one of from, value, first, last, mean, join"),
        (MINIMAL + "  vendor: {from: a, value: b}", "line 4, fields.vendor: needs exactly one of"),
        (MINIMAL + "  math_valid: {from: a, values: {yes: true}}", "line 4, fields.math_valid.values: Expected `str`"),
        (MINIMAL + "  vendor: {from: a, match: '('}", "line 4, fields.vendor: `match` is not a regular expression"),
        (MINIMAL + "  vendor: {from: a, match: 'a'}", "line 4, fields.vendor: `match` needs exactly one group"),
        (MINIMAL + "  vendor:\n    join:\n      - a\n      - {x: y}", "line 7, fields.vendor.join.1.x: unknown key"),
        (MINIMAL + "  ready_at: {first: Ready}", "line 4, fields.ready_at: `first`, `last` and `if` name events"),
        (MINIMAL + "  ready_at: {from: x, unless_more: y}\nevents: {}", "`unless_more` goes with `first` or `last`"),
        (MINIMAL + "time_zone: Berlin", "line 4, time_zone: 'Berlin' is not a time zone"),
        (MINIMAL + "time_zone: ../../etc/passwd", "line 4, time_zone: "),
        (MINIMAL + "time_formats: [d/m/Y]", "line 4, time_formats.0: must be `iso` or a format"),
        (MINIMAL + "delimiter: ';;'", "line 4, delimiter: must be one character"),
        (MINIMAL + "encoding: utf-16", "line 4, encoding: unknown, or not one that holds ASCII"),
        (MINIMAL + "records: ['a..b']", "line 4, records.0: must be names joined by dots"),
        ("x: " + "[" * 5_000, "line 1: not YAML: nested too deeply"),
        ("a: &a [*a]", "line 1: not YAML: its aliases make more than"),
        (
            "a: &a [x, x]\n" + "".join(f"{k}: &{k} [*{j}, *{j}]\n" for j, k in pairwise("abcdefghijklmnopqrstuvw")),
            "aliases",
        ),
        ("a: \0", "line 1: not YAML: unacceptable character"),
        ("a: 1\n---\na: 2", "line 3: a second document begins"),
        ("- " + "x" * 300_000, "longer than 200,000 characters"),
    ],
)
def test_a_wrong_mapping_is_refused_with_key_and_line(text: str, said: str) -> None:
    with pytest.raises(Unusable) as refused:
        parse_mapping(text, INVOICE)

    assert said in str(refused.value)


def test_all_errors_of_a_mapping_are_told_at_once() -> None:
    with pytest.raises(Unusable) as refused:
        parse_mapping(MINIMAL + "  colour: c\n  vendor: 3\ntime_zone: Berlin", INVOICE, "our.yml")

    assert [line.split(":")[1].strip() for line in str(refused.value).splitlines()] == [
        "line 6, time_zone",
        "line 4, fields.colour",
        "line 5, fields.vendor",
    ]


@pytest.mark.parametrize("name", delivered())
def test_the_delivered_mappings_are_right(name: str) -> None:
    kind = EXCEPTION if name == "uci_incident" else INVOICE

    assert read_mapping(name, kind).layout.format


def test_an_unknown_mapping_names_the_delivered_ones() -> None:
    with pytest.raises(Unusable, match="those are azure_extraction, bpic2019, uci_incident"):
        read_mapping("bpic2012", INVOICE)


def test_the_example_of_the_documentation_is_right() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "import-event-logs.md"
    [example] = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    header = "Belegnummer;Lieferant;Eingang;Freigabe;Rechnerisch;Werk\n"

    [row] = rows(mapped("export.csv", header + "1;Acme;01.07.2024 08:00;-;nein;Ulm\n", example))

    assert {name: str(value) for name, value in row.items()} == {
        "invoice_id": "1",
        "vendor": "Acme",
        "uploaded_at": "2024-07-01 06:00:00+00:00",
        "math_valid": "False",
        "labels": "{'plant': 'Ulm'}",
    }


def test_every_key_of_a_mapping_is_explained_in_the_reference() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "mapping.md").read_text()
    keys = [field.encode_name for struct in (Head, Spec) for field in msgspec.structs.fields(struct)]

    assert [key for key in keys if f"`{key}" not in page] == []
    assert "`colour" not in page
