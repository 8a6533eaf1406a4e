"""The oracle itself, held against figures worked out by hand."""

import ast
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.oracle import figures, slis
from tests.oracle.facts import EXCEPTION, INVOICE, World

NOW = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)
HERE = Path(__file__).parent
ALLOWED = set(sys.stdlib_module_names) | {"tests.oracle"}


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "." * node.level)
    return names


def strangers(source: str) -> set[str]:
    """What a module imports besides the standard library and the oracle."""
    return {n for n in imported(source) if not {n.split(".")[0], ".".join(n.split(".")[:2])} & ALLOWED}


def test_the_check_of_imports_finds_a_stranger() -> None:
    source = "import json\nfrom tests.oracle.facts import World\ndef f():\n    import slos.budget, tests.slos"
    assert strangers(source) == {"slos.budget", "tests.slos"}


@pytest.mark.parametrize("path", sorted(set(HERE.glob("*.py")) - {Path(__file__)}), ids=lambda path: path.name)
def test_the_oracle_imports_only_the_standard_library(path: Path) -> None:
    assert strangers(path.read_text()) == set()


def world(*messages: dict[str, object], kind: str = INVOICE) -> World:
    made = World()
    for message in messages:
        made.tell(kind, {"invoice_id": "i", **message} if kind == INVOICE else {"exception_id": "e", **message}, NOW)
    return made


def test_the_last_message_to_name_a_field_wins_and_null_clears() -> None:
    made = World()
    outcomes = [
        made.tell(INVOICE, message, NOW)
        for message in (
            {"invoice_id": "i", "vendor": "Ada", "labels": {"a": "1", "b": "2"}},
            {"invoice_id": "i", "vendor": "Bo"},
            {"invoice_id": "i", "vendor": "Bo"},
            {"invoice_id": "i", "channel": None, "labels": {"a": None, "c": "3"}},
            {"invoice_id": "i", "vendor": None},
        )
    ]
    assert outcomes == ["created", "updated", "unchanged", "updated", "updated"]
    assert made.rows[INVOICE] == {"i": {"invoice_id": "i", "labels": {"b": "2", "c": "3"}}}


@pytest.mark.parametrize(
    "message",
    [
        {"colour": "red"},
        {"uploaded_at": "2024-05-06T12:00:00"},
        {"uploaded_at": "1999-12-31T23:59:59Z"},
        {"uploaded_at": "2024-05-07T12:00:00.000001Z"},
        {"extraction_confidence": "1.1"},
        {"structural_valid": "maybe"},
        {"uploaded_at": "2024-05-06T12:00:00Z", "ready_at": "2024-05-06T11:59:59Z"},
    ],
    ids=str,
)
def test_a_message_that_the_contract_refuses_changes_nothing(message: dict[str, object]) -> None:
    made = World()
    assert made.tell(INVOICE, {"invoice_id": "i", **message}, NOW) == "rejected"
    assert made.rows[INVOICE] == {}
    assert made.tell(INVOICE, {"invoice_id": "i", "uploaded_at": "2024-05-07T12:00:00Z"}, NOW) == "created"


def test_work_counts_when_it_ends_in_time_and_else_at_its_deadline() -> None:
    at = {name: f"2024-05-06T{name}:00+00:00" for name in ("10:00", "10:05", "10:06")}
    good = world({"uploaded_at": at["10:00"], "ready_at": at["10:05"]})
    late = world({"uploaded_at": at["10:00"], "ready_at": at["10:06"]})
    still_open = world({"uploaded_at": at["10:00"]})
    five = timedelta(minutes=5)
    expected = [(good, 1, five), (late, 0, timedelta(minutes=6)), (still_open, 0, None)]
    for made, share, took in expected:
        result = slis.account("time_to_ready", made, NOW, five)
        assert result.events == [slis.Event(datetime(2024, 5, 6, 10, 5, tzinfo=UTC), Fraction(share))]
        assert [ended.duration for ended in result.ended] == ([took] if took else [])
    before = datetime(2024, 5, 6, 10, 4, tzinfo=UTC)
    assert slis.account("time_to_ready", still_open, before, five).pending == [datetime(2024, 5, 6, 10, 5, tzinfo=UTC)]


def test_confidences_are_summed_exactly() -> None:
    made = World()
    for i, confidence in enumerate(("0.90", "0.95", "0.99")):
        message = {"invoice_id": str(i), "extracted_at": NOW, "extraction_confidence": confidence}
        assert made.tell(INVOICE, message, NOW) == "created"
    (total,) = figures.buckets(slis.account("extraction_accuracy", made, NOW)).values()
    assert (total.good, total.total) == (Fraction("2.84"), 3)
    assert figures.budget(total.good, total.total, Decimal(92)).sli == Fraction(284, 300)


def test_exceptions_of_a_voided_invoice_leave_the_figures() -> None:
    made = world({"opened_at": "2024-05-06T01:00:00Z", "invoice_id": "i"}, kind=EXCEPTION)
    four_hours = timedelta(hours=4)
    assert len(slis.account("exception_resolution_time", made, NOW, four_hours).events) == 1
    made.tell(INVOICE, {"invoice_id": "i", "voided_at": NOW}, NOW)
    assert slis.account("exception_resolution_time", made, NOW, four_hours).events == []


def test_a_look_back_is_the_bucket_of_now_and_those_before_it() -> None:
    one = figures.Sum(Fraction(1), 1)
    parts = {figures.floor(NOW) - k * figures.BUCKET: one for k in range(-1, 10)}
    assert figures.look_back(parts, 5, NOW).total == 2
    assert figures.look_back(parts, 30, NOW + timedelta(minutes=4)).total == 7


def test_a_day_in_st_johns_begins_when_its_date_is_first_seen() -> None:
    st_johns = ZoneInfo("America/St_Johns")
    assert figures.day_start(date(2010, 11, 7), st_johns) == datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    assert figures.day_start(date(2010, 11, 8), st_johns) == datetime(2010, 11, 8, 3, 30, tzinfo=UTC)


def test_apia_had_no_30th_of_december_2011() -> None:
    apia = ZoneInfo("Pacific/Apia")
    borders = [figures.day_start(date(2011, 12, day), apia).day for day in (29, 30, 31)]
    assert borders == [29, 30, 30]
    assert figures.day_start(date(2011, 12, 30), apia) == figures.day_start(date(2011, 12, 31), apia)
