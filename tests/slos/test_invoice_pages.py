"""The explorer of invoices and the page of one: the rows are those of the figure, and each says what it counts for."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from accounts.models import Organization
from kpis.models import InvoiceMetric
from slos.models import SLODefinition
from slos.tick import tick
from tests.calling import lines
from tests.facts import exception, slo
from tests.slos.worlds_to_show import NOW, add, invoice, show

pytestmark = pytest.mark.django_db
QUERIES = 14  # 3 for who asks, 2 for the frame


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row">(?:<a href="[^"]*">)?([^<]+)', page)


def answer(page: str) -> str:
    found = re.search(r"data-answer>(.*?)</p>", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


def every_page(client: Client, path: str) -> list[str]:
    found, page = [], text(client, path)
    while True:
        found += listed(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if not following:
            return found
        page = text(client, following[1])


def test_the_rows_behind_a_figure_are_as_many_as_it_says_and_those_of_the_file(viewer, organization):
    objective = slo(organization, "time_to_ready")
    start, end = NOW - timedelta(days=27), NOW - timedelta(days=1)
    path = f"/invoices/?slo={objective.pk}&outcome=bad&start={start:%Y-%m-%dT%H:%M}Z&end={end:%Y-%m-%dT%H:%M}Z"
    page = text(viewer, path)
    assert answer(page) == "12 bad of 192 that make up Time-to-Ready Processing, 14 Oct, 14:02 to 9 Nov, 13:02."
    names = [f"I-{k}" for k in range(19, 7, -1)]
    assert listed(page) == names
    assert "ready 1 min late" in page
    link = re.search(r'href="(/api/[^"]+format=csv)"', page)
    assert link
    assert sorted(row["invoice_id"] for row in lines(viewer.get(link[1]))) == sorted(names)


def test_good_rows_come_in_pages_and_each_once(viewer, organization, monkeypatch):
    monkeypatch.setattr("slos.views.invoices.PER_PAGE", 70)
    path = f"/invoices/?slo={slo(organization, 'approval_latency').pk}&outcome=good&start=2020-01-01"
    found = every_page(viewer, path)
    assert len(found) == len(set(found)) == 182
    assert answer(text(viewer, path)).startswith("182 good of 201")


def test_pending_rows_name_their_deadline_and_the_soonest_comes_first(viewer, organization):
    waiting = {"invoice_id": "waits", "uploaded_at": NOW - timedelta(minutes=1)}
    add(organization, [waiting, {**waiting, "invoice_id": "sooner", "uploaded_at": NOW - timedelta(minutes=4)}], NOW)
    page = text(viewer, f"/invoices/?slo={slo(organization, 'time_to_ready').pk}&outcome=pending")
    assert listed(page) == ["sooner", "waits"]
    assert answer(page).startswith("2 pending")
    assert "not ready yet, 4 min left" in page


def test_an_objective_that_counts_exceptions_is_shown_with_them(viewer, organization):
    exception(organization, "E-1", now=NOW, invoice_id="I-1", kind="price", opened_at=NOW - timedelta(hours=9))
    exception(organization, "E-2", now=NOW, invoice_id="I-9", kind="tax", opened_at=NOW - timedelta(hours=8))
    tick(organization, now=NOW)
    query = f"slo={slo(organization, 'exception_resolution_time').pk}&outcome=bad"
    moved = viewer.get(f"/invoices/?{query}")
    assert (moved.status_code, moved["Location"]) == (302, f"/exceptions/?{query}")
    page = text(viewer, moved["Location"])
    assert listed(page) == ["E-2", "E-1"]
    assert answer(page).startswith("2 bad of 2")
    assert "not resolved, 5 h overdue" in page
    narrowed = text(viewer, f"/exceptions/?{query}&kind=tax")
    assert (listed(narrowed), answer(narrowed)[:10]) == (["E-2"], "1 bad of 1")
    key = InvoiceMetric.objects.get(invoice_id="I-9").pk
    assert f'<a href="/invoices/{key}/">I-9</a>' in narrowed


STORED: dict[str, list[str]] = {
    "q=i-19": ["I-19", *(f"I-{k}" for k in range(190, 200))],
    "vendor=Acme": ["acme"],
    "vendor=Acme&channel=fax": [],
    "label=cost+centre": ["acme"],
    "label=cost+centre%3D12": ["acme"],
    "label=cost+centre%3D13": [],
    "status=failed": [f"I-{k}" for k in range(8, -1, -1)],
    "status=announced": ["unseen"],
    "start=2026-11-09": ["acme"],
    "end=2026-10-14&q=I-": ["I-3", "I-2", "I-1", "I-0"],
}


def test_what_is_stored_is_found_by_its_fields_the_newest_first(viewer, organization):
    acme = {"vendor": "Acme", "channel": "email", "labels": {"cost centre": "12"}}
    add(organization, [invoice("acme", NOW - timedelta(hours=30)) | acme, {"invoice_id": "unseen"}], NOW)
    for query, expected in STORED.items():
        page, count = text(viewer, f"/invoices/?{query}"), len(expected)
        found = listed(page)
        assert (sorted(found) if query == "q=i-19" else found) == expected, query
        assert answer(page).startswith(f"{count} invoice{'' if count == 1 else 's'} found" if count else "0 invoices")
        link = re.search(r'href="(/api/[^"]+format=csv)"', page)
        if link:
            assert sorted(row["invoice_id"] for row in lines(viewer.get(link[1]))) == sorted(expected)
        assert (link is None) == (not expected)


def test_a_long_list_is_counted_up_to_a_limit_and_names_whom_a_row_hurt(viewer, organization, monkeypatch):
    monkeypatch.setattr("slos.views.invoices.MOST_COUNTED", 100)
    page = text(viewer, "/invoices/")
    assert answer(page) == "More than 100 invoices stored, the newest first."
    hurt = text(viewer, "/invoices/?status=failed")
    assert "Time-to-Ready Processing, Processing Success Rate" in hurt or "Approval Latency, Proc" in hurt


REFUSED = {
    "start=yesterday": ("start", "with an offset"),
    "start=2026-11-02&end=2026-11-01": ("end", "after the start"),
    "outcome=bad": ("outcome", "choose one"),
    "outcome=late": ("outcome", "valid choice"),
    "slo=7": ("slo", "valid"),
    "slo=00000000-0000-0000-0000-000000000000": ("slo", "valid"),
    "status=lost": ("status", "valid choice"),
    "vendor=%00": ("vendor", "Null"),
    f"vendor={'a' * 201}": ("vendor", "at most 200"),
    "slo={slo}&status=ready": ("status", "objective"),
    "slo={slo}&q=I-1": ("q", "objective"),
    "after=x": ("", "begin with its first"),
    "slo={slo}&after=WyJhIiwxXQ": ("", "begin with its first"),
}


def test_a_filter_that_cannot_be_read_is_named_and_nothing_is_shown(viewer, organization):
    objective = str(slo(organization, "time_to_ready").pk)
    for query, (field, says) in REFUSED.items():
        page = text(viewer, "/invoices/?" + query.replace("{slo}", objective), 400)
        assert listed(page) == []
        assert "Nothing is shown" in page
        where = re.search(rf'id="id_{field}_error">(.*?)</span> (.*?)</span>', page)
        assert bool(where) == bool(field), query
        assert says in (where[2] if where else page), query


def test_an_invoice_says_what_happened_to_it_and_what_it_counts_for(viewer, organization):
    made = invoice("one/ä", NOW - timedelta(hours=5), late=True, failed=True, duplicate=True)
    add(organization, [made | {"amount": "1234.5", "currency": "EUR", "labels": {"desk": "7"}}], NOW)
    exception(organization, "E-1", now=NOW, invoice_id="one/ä", kind="price", opened_at=NOW - timedelta(hours=1))
    page = text(viewer, f"/invoices/{InvoiceMetric.objects.get(invoice_id='one/ä').pk}/")
    words = re.sub(r"\s+", " ", re.sub(r"<small><a.*?</small>|<[^>]+>", " ", page))
    assert "Time-to-Ready Processing ✖ Bad Ready 1 min late promised within 5 minutes" in words
    assert "Approval Latency ✔ Good Approved after 1 h" in words
    assert "Extraction Accuracy ◐ 0.97 good Read with a confidence of 0.97" in words
    assert "Processing Success Rate ✖ Bad Processing failed" in words
    assert "◷ Pending for Exception Resolution Time: not resolved yet, 3 h left" in words
    steps = re.findall(r"<li[^>]*><p><strong>([^<]+)", page)
    assert steps[:3] == ["Uploaded", "Extracted", "Validated"]
    assert steps[-1] == "Exception"
    assert {"Ready", "Completed", "Confirmed as a duplicate", "Approved"} <= set(steps)
    assert "1,234.50 EUR" in words
    assert "desk 7" in words
    waiting = add_one(organization, {"invoice_id": "new", "ready_at": NOW})
    assert "not uploaded yet" in text(viewer, f"/invoices/{waiting}/").lower()
    voided = add_one(organization, {"invoice_id": "new", "voided_at": NOW})
    assert text(viewer, f"/invoices/{voided}/").count("<span>Voided</span>") == 5
    assert viewer.get("/invoices/999999999999999999999/").status_code == 404


def add_one(organization: Organization, message: dict[str, object]) -> int:
    add(organization, [message], NOW)
    return InvoiceMetric.objects.get(invoice_id=message["invoice_id"], organization=organization).pk


def test_nothing_of_another_organisation_is_found(viewer, organization):
    other = show(NOW, "other")
    theirs = InvoiceMetric.objects.filter(organization=other).first()
    assert viewer.get(f"/invoices/{theirs.pk}/").status_code == 404
    assert viewer.get(f"/invoices/?slo={slo(other, 'time_to_ready').pk}").status_code == 400
    assert answer(text(viewer, "/invoices/?start=2020-01-01")).startswith("201 ")


def test_the_pages_cost_a_few_queries_however_many_objectives_there_are(
    viewer, organization, django_assert_max_num_queries
):
    def ask() -> None:
        page = InvoiceMetric.objects.filter(organization=organization).first()
        objective = slo(organization, "time_to_ready")
        for path in ("/invoices/", f"/invoices/?slo={objective.pk}", "/exceptions/", f"/invoices/{page.pk}/"):
            with django_assert_max_num_queries(QUERIES):
                assert viewer.get(path).status_code == 200

    ask()
    template = slo(organization, "approval_latency")
    SLODefinition.objects.bulk_create(
        SLODefinition(
            organization=organization, name=f"more {k}", sli_type=template.sli_type, target_percentage=90,
            target_value=2 + k % 3, target_unit="hours", measurement_periods=["daily"],
        )
        for k in range(493)
    )  # fmt: skip
    ask()


XSS = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>{{7*7}}"


def test_what_messages_say_is_text_and_never_markup(viewer, organization):
    said = dict.fromkeys(("vendor", "channel", "document_type"), XSS[:100])
    add(organization, [invoice(XSS, NOW - timedelta(hours=2), late=True) | said | {"labels": {XSS: XSS}}], NOW)
    exception(organization, XSS, now=NOW, invoice_id=XSS, kind=XSS[:100], severity=XSS[:50], opened_at=NOW)
    key = InvoiceMetric.objects.get(invoice_id=XSS).pk
    for path in (
        "/invoices/",
        "/exceptions/",
        f"/invoices/{key}/",
        f"/invoices/?vendor={XSS[:60]}&q={XSS}",
        f"/invoices/?status={XSS}",
    ):
        raw = viewer.get(path).content.decode()
        assert "&lt;img src=x" in raw, path
        assert "<img" not in raw
        assert "<script>" not in raw
