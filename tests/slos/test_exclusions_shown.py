"""What is left out is said where its figure is shown: on the page of the objective, of the invoice."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from kpis.models import InvoiceMetric
from slos import behind, exclusions
from slos.models import Exclusion
from slos.tick import tick
from tests.alerts.alerting import a_member
from tests.facts import slo as objective_of
from tests.slos.worlds_to_show import NOW

pytestmark = pytest.mark.django_db


def left_out(organization) -> Exclusion:
    """The last eight days."""
    made = Exclusion.objects.create(
        organization=organization, category="supplier", reason="The scanner <b>", start=NOW - timedelta(days=8), end=NOW
    )
    exclusions.put_in_force(made)
    return made


def text(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[:500]
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_page_of_an_objective_shows_both_figures_and_what_is_left_out(
    viewer, organization, django_assert_max_num_queries
):
    slo = objective_of(organization, "time_to_ready")
    assert "data-without" not in text(viewer, f"/slo/{slo.pk}/")
    before = re.search(r'data-figure="achieved" value="([^"]+)"', text(viewer, f"/slo/{slo.pk}/"))
    left_out(organization)
    Exclusion.objects.create(organization=organization, category="other", reason="A test", invoice_id="I-8")
    tick(organization, now=NOW)
    with django_assert_max_num_queries(12) as asked:
        page = unescape(text(viewer, f"/slo/{slo.pk}/"))
    assert len(asked) > 5
    slo.refresh_from_db()
    assert slo.excluded_invoices == ["I-8"]
    after = re.search(r'data-figure="achieved" value="([^"]+)"', page)
    assert before
    assert after
    assert before[1] == "90.0" != after[1]
    assert re.search(r"data-without>.*?With them: 90\.0.% now", page)
    assert "<strong>Outage of a supplier</strong>: The scanner" in page
    assert "One time is left out: outage of a supplier." in page
    assert "(invoice <a" in page
    for key in ("budget", "sli", "burn", "volume"):
        (drawn,) = re.findall(rf'<script id="{key}-data" type="application/json">(.*?)</script>', page)
        notes = [note["text"] for note in json.loads(drawn)["layout"]["annotations"]]
        assert "Outage of a supplier" in notes, key


def test_an_invoice_says_of_each_objective_why_it_does_not_count(viewer, organization):
    outage = left_out(organization)
    tick(organization, now=NOW)
    slo = objective_of(organization, "time_to_ready")
    late = InvoiceMetric.objects.filter(organization=organization, uploaded_at__gt=outage.start).latest("uploaded_at")
    page = text(viewer, f"/invoices/{late.pk}/")
    assert "Excluded: outage of a supplier, The scanner &lt;b&gt;" in page
    early = InvoiceMetric.objects.filter(organization=organization, invoice_id="I-19").get()
    assert "Excluded" not in text(viewer, f"/invoices/{early.pk}/")
    assert not behind.page(slo, outage.start, NOW, behind.Outcome.GOOD, now=NOW, limit=1)


def test_the_form_tries_an_exclusion_and_names_the_field_that_is_missing(client, organization):
    client.force_login(a_member(organization, "ed", "editor", is_staff=True))
    at = NOW.astimezone(organization.time_zone)
    given = {
        "organization": organization.pk,
        "category": "other",
        "reason": "A test",
        "start": f"{at - timedelta(days=8):%Y-%m-%dT%H:%M}",
        "_preview": "1",
    }
    refused = client.post("/admin/slos/exclusion/add/", given).content.decode()
    assert "Constraint" not in refused
    form = re.search(r'(?s)<div class="form-row[^"]*field-end">.*?</div>', refused)
    assert form
    assert "Name the start and the end of a period" in form[0]
    tried = client.post("/admin/slos/exclusion/add/", {**given, "end": f"{at:%Y-%m-%dT%H:%M}"}).content.decode()
    assert "What it would do" in tried
    assert not Exclusion.objects.exists()
