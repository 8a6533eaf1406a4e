"""import_invoices and import_exceptions, as an operator uses them."""

import csv
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import Organization
from kpis.models import ImportedFile, InvoiceException, InvoiceMetric
from tests.kpis.files import gzipped

NOW = datetime(2024, 6, 5, 12, tzinfo=UTC)  # a Wednesday
GOOD = "invoice_id,uploaded_at,ready_at\nA,2024-06-03T10:00:00Z,2024-06-03T10:04:00Z\nB,2024-06-03T11:00:00Z,\n"
BAD = GOOD + "C,2024-06-03T11:00:00Z,2024-06-03T10:00:00Z\nD,2024-06-03\nE,,2024-06-03T10:00:00Z\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def organization() -> Organization:
    return Organization.objects.create(name="Default", slug="default")


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def a_file(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def imported(capsys: pytest.CaptureFixture[str], *arguments: str, command: str = "import_invoices") -> dict[str, Any]:
    """The JSON that the command prints, with its exit status."""
    status: object = 0
    try:
        call_command(command, *arguments, "--json")
    except SystemExit as end:
        status = end.code
    return {**json.loads(capsys.readouterr().out), "status": status}


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[name] for name in ("read", "created", "updated", "unchanged", "skipped", "rejected", "status"))


def test_importing_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_file(tmp_path, "a.csv.gz", gzipped(GOOD))

    assert counts(imported(capsys, file)) == (2, 2, 0, 0, 0, 0, 0)
    assert counts(imported(capsys, file)) == (2, 0, 0, 2, 0, 0, 0)
    assert InvoiceMetric.objects.get(invoice_id="A").ready_after == 240


def test_a_changed_file_updates_what_it_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(capsys, a_file(tmp_path, "a.csv", GOOD))
    later = a_file(tmp_path, "b.jsonl", '{"invoice_id": "B", "ready_at": "2024-06-03T11:01:00Z"}\n{"invoice_id": "A"}')

    assert counts(imported(capsys, later)) == (2, 0, 1, 1, 0, 0, 0)
    assert InvoiceMetric.objects.get(invoice_id="B").ready_after == 60


def test_rejected_rows_are_listed_with_line_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_file(tmp_path, "a.csv", BAD)

    assert counts(imported(capsys, file)) == (5, 3, 0, 0, 0, 2, 1)

    with Path(f"{file}.rejected.csv").open() as rejected:
        found = [(row["line"], row["id"], row["reason"], row["row"]) for row in csv.DictReader(rejected)]
    assert found == [
        ("5", "", "2 columns; the header has 3.", "D,2024-06-03"),
        ("4", "C", "ready_at: ready_at lies before uploaded_at.", "C,2024-06-03T11:00:00Z,2024-06-03T10:00:00Z"),
    ]


def test_the_list_of_rejected_rows_goes_away_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = a_file(tmp_path, "a.csv", BAD)
    imported(capsys, file)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.csv.rejected.csv"]

    a_file(tmp_path, "a.csv", GOOD)

    assert imported(capsys, file)["status"] == 0
    assert os.listdir(tmp_path) == ["a.csv"]


def test_rejected_cells_are_no_formulas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\uff1d1", " =1", "-12.5", "plain"]
    lines = [json.dumps({"invoice_id": cell, "page_count": -1}) for cell in cells]
    file = a_file(tmp_path, "a.jsonl", "\n".join(lines))

    imported(capsys, file)

    with Path(f"{file}.rejected.csv").open() as rejected:
        found = [row["id"] for row in csv.DictReader(rejected)]
    assert found == [*(f"'{cell}" for cell in cells[:7]), "-12.5", "plain"]


def test_a_folder_that_cannot_be_written_gets_its_list_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_file(tmp_path, "a.csv", BAD)
    (tmp_path / "a.csv.rejected.csv").mkdir()  # not even root writes a file there
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    report = imported(capsys, file)

    assert report["files"][0]["rejected_file"] == str(tmp_path / "here" / "a.csv.rejected.csv")
    assert Path(report["files"][0]["rejected_file"]).exists()


def test_a_dry_run_counts_and_stores_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_file(tmp_path, "a.csv", BAD)

    assert counts(imported(capsys, file, "--dry-run", "--shift-to-now")) == (5, 3, 0, 0, 0, 2, 1)
    assert (InvoiceMetric.objects.count(), ImportedFile.objects.count()) == (0, 0)

    assert counts(imported(capsys, file, "--shift-to-now")) == (5, 3, 0, 0, 0, 2, 1)
    assert (InvoiceMetric.objects.count(), ImportedFile.objects.count()) == (3, 1)


def test_many_chunks_count_like_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpis.imports.CHUNK_ROWS", 2)
    lines = [f'{{"invoice_id": "I{n % 50}", "page_count": {n if n != 30 else -1}}}' for n in range(100)]
    file = a_file(tmp_path, "a.jsonl", "\n".join(lines))

    assert counts(imported(capsys, file)) == (100, 50, 49, 0, 0, 1, 1)
    assert InvoiceMetric.objects.get(invoice_id="I49").page_count == 99


def test_exceptions_go_by_their_own_command_into_the_named_organisation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Organization.objects.create(name="Other", slug="other")
    file = a_file(tmp_path, "a.jsonl", '{"exception_id": "X", "opened_at": "2024-06-03T10:00:00+02:00"}')

    report = imported(capsys, file, "--organization", "other", command="import_exceptions")

    assert counts(report) == (1, 1, 0, 0, 0, 0, 0)
    assert InvoiceException.objects.get().organization == other


# --- moving an old log -------------------------------------------------------------------------------------
OLD = """invoice_id,uploaded_at,ready_at
A,2018-01-01T10:00:00Z,2018-01-01T10:04:00Z
B,2018-01-31T12:00:00Z,
refused,2019-12-31T12:00:00Z,2018-01-01T10:00:00Z
"""  # 31 January 2018 is a Wednesday


def test_an_old_log_moves_by_whole_weeks_and_refused_rows_do_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = imported(capsys, a_file(tmp_path, "a.csv", OLD), "--shift-to-now")

    assert counts(report) == (3, 2, 0, 0, 0, 1, 1)
    assert report["files"][0]["shift_weeks"] == 331
    assert InvoiceMetric.objects.get(invoice_id="B").uploaded_at == NOW
    assert InvoiceMetric.objects.get(invoice_id="A").ready_at == datetime(2024, 5, 6, 10, 4, tzinfo=UTC)


def test_the_shift_of_a_file_is_kept_for_its_content_and_organisation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], now: Any
) -> None:
    Organization.objects.create(name="Other", slug="other")
    imported(capsys, a_file(tmp_path, "a.csv", OLD), "--shift-to-now")
    now.shift(timedelta(weeks=3))
    copy = a_file(tmp_path, "copy.csv", OLD)

    again = imported(capsys, copy, "--shift-to-now")
    elsewhere = imported(capsys, copy, "--shift-to-now", "--organization", "other")
    changed = imported(capsys, a_file(tmp_path, "a.csv", OLD + "\n"), "--shift-to-now")

    assert (counts(again)[1:4], again["files"][0]["shift_weeks"]) == ((0, 0, 2), 331)
    assert (counts(elsewhere)[1:4], elsewhere["files"][0]["shift_weeks"]) == ((2, 0, 0), 334)
    assert (counts(changed)[1:4], changed["files"][0]["shift_weeks"]) == ((0, 2, 0), 334)


def test_a_moment_just_after_now_moves_back_a_week(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_file(tmp_path, "a.csv", "invoice_id,uploaded_at\nA,2024-06-05T12:00:01Z\n")

    assert imported(capsys, file, "--shift-to-now")["files"][0]["shift_weeks"] == -1


def test_importing_a_moved_file_without_moving_it_is_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = a_file(tmp_path, "a.csv", "invoice_id,uploaded_at\nA,2018-01-01T10:00:00Z\n")
    imported(capsys, file, "--shift-to-now")

    call_command("import_invoices", file)

    assert "was imported moved by 335 weeks; without --shift-to-now it moves back" in capsys.readouterr().err


# --- what cannot be used -----------------------------------------------------------------------------------
def test_what_is_printed_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_file(tmp_path, "a.csv", BAD)

    with pytest.raises(SystemExit):
        call_command("import_invoices", file, "--shift-to-now", "--no-color")

    assert capsys.readouterr().out.splitlines() == [
        file,
        "  moved by 0 weeks",
        "  read                 5",
        "  created              3",
        "  updated              0",
        "  unchanged            0",
        "  skipped              0",
        "  rejected             2",
        f"  the rejected ones, with reasons: {file}.rejected.csv",
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "x,y\n1,2\n", "'x' is not a field of an invoice"),
        ("a.zip", "nonsense", "Not a complete zip file"),
        ("a.txt", GOOD, "the ending does not tell the format"),
    ],
)
def test_one_unusable_file_among_others_ends_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, said: str
) -> None:
    unusable, good = a_file(tmp_path, name, content), a_file(tmp_path, "good.csv", GOOD)

    with pytest.raises(SystemExit) as end:
        call_command("import_invoices", unusable, str(tmp_path / "none.csv"), str(tmp_path), good)

    assert end.value.code == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert "none.csv: [Errno 2] No such file or directory" in printed.err
    assert InvoiceMetric.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--organization", "nowhere"], "No organisation 'nowhere'. There are: default."),
        (["--mapping", "nothing"], "No mapping file 'nothing'"),
        (["--mapping", "uci_incident"], "line 3, kind: this mapping makes exceptions; import_invoices needs invoices"),
    ],
)
def test_unusable_arguments_end_with_status_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("import_invoices", a_file(tmp_path, "a.csv", GOOD), *arguments)

    assert said in str(refused.value)
    assert refused.value.returncode == 2
