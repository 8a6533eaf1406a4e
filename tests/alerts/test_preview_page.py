"""The preview beside the form of an objective: for its editors, without saving anything."""

import re
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts.preview import preview
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos.models import SLODefinition
from slos.tick import tick
from tests.admin_world import address, filled, text, world

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def lasting_house(lasting):
    made = world()
    now = timezone.now()
    rng = Random(1)
    rows = []
    for k in range(400):
        at = now - timedelta(days=40) + k * timedelta(hours=2)
        took = timedelta(minutes=3 if rng.random() < 0.96 else 9)
        rows.append(
            {"invoice_id": f"I-{k}", "vendor": "Ada" if k % 2 else "Bo", "uploaded_at": at, "ready_at": at + took}
        )
    assert not store_rows(INVOICE, made.ours, rows, now=now).rejected
    tick(made.ours, now=now)
    return made


def asked(house, who="editor", slo=None, htmx=True, **changed):
    slo = slo or house.ours.slos.get(name="Time-to-Ready Processing")
    sent = {**filled(house.client("editor"), SLODefinition, slo.pk), **changed}
    headers = {"HX-Request": "true"} if htmx else {}
    return house.client(who).post(reverse("objective-preview", args=[slo.pk]), sent, headers=headers)


def test_another_target_limit_or_part_is_judged_and_nothing_is_saved(house):
    slo = house.ours.slos.get(name="Time-to-Ready Processing")
    before = SLODefinition.objects.filter(pk=slo.pk).values().get()
    strict = text(asked(house, target_percentage="99.5"))
    assert "With 99.5\N{NO-BREAK SPACE}% within 5 minutes you would have missed it" in strict
    assert re.search(r"used up on \d", strict)
    assert "would have fired (as saved:" in strict
    assert "counted from the rows" not in strict
    lax = text(asked(house, target_value="10"))
    assert "within 10 minutes you would have kept it: 0 bad" in lax
    assert "counted from the rows" in lax
    part = asked(house, vendor="Ada").context["found"]
    whole = asked(house).context["found"]
    assert whole.saved is whole.ranges  # the form as it was opened is judged once
    assert asked(house, target_percentage="96").context["found"].saved[0].alerts == whole.saved[0].alerts
    assert 2 * part.ranges[1].counts.total == pytest.approx(whole.ranges[1].counts.total, abs=1)
    assert SLODefinition.objects.filter(pk=slo.pk).values().get() == before


def test_the_suggested_target_is_the_best_that_would_have_been_met(house):
    slo = house.ours.slos.get(name="Time-to-Ready Processing")
    one = asked(house).context["found"].ranges[0]
    for target, met in ((one.best_target, True), (one.best_target + Decimal("0.1"), False)):
        slo.target_percentage = target
        found = preview(house.ours, None, slo, now=timezone.now())
        assert found.ranges[0].met == met
    assert f"{one.best_target}" in text(asked(house))


def test_the_chart_draws_the_saved_line_only_where_it_differs_and_both_targets(house):
    lax = asked(house, target_value="10").context["chart"]
    before, after = lax.figure["data"]
    assert (before["name"], after["name"]) == ("as saved", "as proposed")
    assert set(after["y"]) == {100}
    assert min(before["y"]) < 100
    assert len(lax.figure["layout"]["shapes"]) == 1
    strict = asked(house, target_percentage="99.5").context["chart"]
    assert [one["name"] for one in strict.figure["data"]] == ["as proposed and saved"]
    assert [one["y0"] for one in strict.figure["layout"]["shapes"]] == [99.5, 95]
    assert len(strict.rows) > len(strict.figure["data"][0]["x"])
    nothing = asked(house, vendor="Nobody")
    assert [one["name"] for one in nothing.context["chart"].figure["data"]] == ["as saved", "as proposed"]
    assert "No event is known in these weeks." in text(nothing)


def test_a_form_that_would_be_refused_says_why_and_without_javascript_it_is_a_page(house):
    answer = asked(house, target_percentage="100")
    assert answer.status_code == 422
    assert "Target percentage: Ensure this value is less than or equal to 99.999." in text(answer)
    assert "could never fire" in text(asked(house, burn_rate_alert_threshold="20"))
    page = text(asked(house, htmx=False))
    assert "<h1>Preview</h1>" in page
    assert "Nothing was saved" in page


def test_a_new_objective_has_a_preview_too_and_only_editors_of_its_organization_see_it(house):
    form = filled(house.client("editor"), SLODefinition)
    sent = {
        **form, "organization": str(house.ours.pk), "sli_type": "time_to_ready", "target_percentage": "90",
        "target_value": "5", "target_unit": "minutes", "measurement_period": "daily", "vendor": "Bo",
    }  # fmt: skip
    answer = house.client("editor").post(reverse("objective-preview-new"), sent, headers={"HX-Request": "true"})
    assert "you would have kept it" in text(answer)
    assert answer.context["found"].ranges[1].counts.total > 100
    foreign = house.client("editor").post(reverse("objective-preview-new"), {**sent, "organization": house.theirs.pk})
    assert foreign.status_code == 422
    assert "preview" in text(house.client("editor").get(address(SLODefinition, "add")))
    assert asked(house, "viewer").status_code == 404
    foreign = house.theirs.slos.first()
    assert house.client("editor").post(reverse("objective-preview", args=[foreign.pk]), {}).status_code == 404
