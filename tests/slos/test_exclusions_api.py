"""Exclusions over the API: the same acts as in the administration, by the same people."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from slos.models import Exclusion, SLOSnapshot
from slos.tick import tick
from tests.calling import Caller, a_caller, an_organization, data
from tests.facts import invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Caller:
    """Of a firm with two late invoices, an hour and two days ago."""
    caller, now = a_caller(role="editor"), timezone.now()
    for number, age in (("new", timedelta(hours=1)), ("old", timedelta(days=2))):
        invoice(caller.organization, number, uploaded_at=now - age, now=now)
    tick(caller.organization, now=now)
    return caller


def a_day(**more):
    now = timezone.now()
    start, end = (now - timedelta(days=3)).isoformat(), (now - timedelta(days=1)).isoformat()
    return {"category": "supplier", "reason": "The scanner", "start": start, "end": end, **more}


def late(caller: Caller) -> int:
    tick(caller.organization, now=timezone.now())
    return SLOSnapshot.objects.get(slo__organization=caller.organization, slo__sli_type="time_to_ready").total


def test_a_period_is_tried_left_out_and_taken_back(editor):
    named = a_day(slos=["Time-to-Ready Processing"])
    tried = data(editor.post("exclusions/preview", named))
    (effect,) = tried["effects"]
    assert (effect["slo"]["name"], effect["bad_events_count"], tried["times_count"]) == (named["slos"][0], 1, 1)
    assert (Exclusion.objects.count(), late(editor)) == (0, 2)
    answer = editor.post("exclusions", named)
    made = data(answer)
    assert (answer.status_code, made["created_by"], made["state"]) == (201, editor.user.username, "holds")
    assert late(editor) == 1
    assert data(editor.get(answer["Location"]))["settled"] is True
    for message in ("What it left out counts again within seconds.", "It was withdrawn before."):
        again = editor.post(f"exclusions/{made['id']}/withdraw")
        assert (again.json()["message"], data(again)["state"]) == (message, "withdrawn")
    assert late(editor) == 2
    noted = AuditEntry.objects.filter(object_id=made["id"]).order_by("at").values_list("action", "note")
    assert list(noted) == [("added", "The scanner"), ("changed", "Withdrawn.")]


def test_one_invoice_is_left_out_of_all_objectives(editor):
    made = data(editor.post("exclusions", {"category": "wrong_data", "reason": "A test", "invoice_id": "old"}))
    assert (made["slos"], made["invoice_id"], made["start"]) == ([], "old", None)
    assert late(editor) == 1


def test_only_editors_leave_something_out_and_everybody_reads_it(editor):
    made = data(editor.post("exclusions", a_day()))
    for role, scope in (("operator", "write"), ("viewer", "write"), ("admin", "read")):
        caller = a_caller(editor.organization, role=role, scope=scope)
        for path in ("exclusions", "exclusions/preview", f"exclusions/{made['id']}/withdraw"):
            assert caller.post(path, a_day()).status_code == 403, (role, path)
        assert [one["id"] for one in data(caller.get("exclusions"))["exclusions"]] == [made["id"]]
    assert Exclusion.objects.filter(withdrawn_at=None).count() == 1


REFUSED = [
    ({"category": "lunch"}, "category"),
    ({"reason": " "}, "reason"),
    ({"reason": "x" * 301}, "reason"),
    ({"reason": "two\nlines"}, "reason"),
    ({"start": "2026-01-01T00:00"}, "start"),
    ({"end": 5}, "end"),
    ({"end": None}, "end"),
    ({"rrule": "FREQ=SECONDLY"}, "rrule"),
    ({"slos": "all"}, "slos"),
    ({"slos": ["Nobody's"]}, "slos"),
    ({"invoice_id": "old"}, "invoice_id"),
    ({"because": "?"}, "because"),
]


def test_what_cannot_be_left_out_is_refused_by_field(editor):
    for changed, field in REFUSED:
        answer = editor.post("exclusions", a_day(**changed))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), changed
    assert not Exclusion.objects.exists()


def test_the_list_is_paged_and_narrowed(editor):
    made = [data(editor.post("exclusions", a_day(reason=f"No. {n}")))["id"] for n in range(3)]
    editor.post(f"exclusions/{made[0]}/withdraw")
    first = data(editor.get("exclusions?limit=2"))
    after = first["pagination"]["next_cursor"]
    rest = data(editor.get(f"exclusions?limit=2&cursor={after}"))
    assert [one["id"] for one in [*first["exclusions"], *rest["exclusions"]]] == made[::-1]
    assert rest["pagination"] == {"limit": 2, "next_cursor": None, "has_more": False}
    assert [one["id"] for one in data(editor.get("exclusions?state=withdrawn"))["exclusions"]] == made[:1]
    assert editor.get(f"exclusions?cursor={editor.organization.pk}").status_code == 400
    other = a_caller(an_organization("other"), role="editor")
    assert data(other.get("exclusions"))["exclusions"] == []
    assert other.get(f"exclusions/{made[1]}").status_code == 404
