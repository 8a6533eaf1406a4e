"""An objective whose good and total a program sends: over the API into figures, alerts and pages."""

import random
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import Organization
from alerts.evaluate import evaluate
from alerts.models import SLOAlert
from slo_portal import clean_up
from slos import behind, exclusions, reported
from slos.behind import Outcome
from slos.foreseen import foresee
from slos.models import Exclusion, ReportedCount, SLIBucket, SLODefinition, TooLate
from slos.tick import tick
from tests.calling import Caller, a_caller, an_organization, data
from tests.facts import NOON, at, fed, firm
from tests.oracle import figures, slis
from tests.slos.playing import stored
from tests.slos.worlds_to_show import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def api(time_machine) -> Caller:
    time_machine.move_to(NOON, tick=False)
    return a_caller(an_organization())


def send(organization: Organization, slo: SLODefinition, *counts: tuple[float, int, int], now=NOON) -> None:
    """(minutes from NOON, good, total)."""
    rows = [reported.GoodAndTotal(str(slo.pk), at(minutes), good, total) for minutes, good, total in counts]
    list(reported.write(reported.COUNT, organization, reported.known(organization, rows), now))


def buckets(slo: SLODefinition, width: int = 5) -> dict:
    return {row.start: stored(row) for row in SLIBucket.objects.filter(slo=slo, width=width)}


@pytest.mark.parametrize("seed", [1, 2])
def test_figures_are_those_of_the_oracle_whatever_the_order(seed: int) -> None:
    chance, organization = random.Random(seed), firm()
    slos = [fed(organization, name) for name in ("one", "other")]
    told: dict[SLODefinition, list] = {slo: [] for slo in slos}
    for step in range(6):
        now = at(20 * step)
        for slo in slos:
            minutes = [chance.choice((-3000, 0, 20 * step, 20 * step + 4)) + chance.randint(-30, 6) for _ in range(12)]
            counts = [(m, chance.randint(0, total), total) for m in minutes for total in [chance.randint(0, 9)]]
            send(organization, slo, *counts, now=now)
            told[slo] += [(at(m), good, total) for m, good, total in counts]
        tick(organization, now=now)
        for slo in slos:
            account = slis.reported(told[slo], now)
            for width in (5, 60, 1440):
                assert buckets(slo, width) == figures.buckets(account, width), (step, width)
            window = figures.since(figures.buckets(account), NOON - timedelta(days=40), now)
            slo.snapshot.refresh_from_db()
            assert (slo.snapshot.good, slo.snapshot.total) == (window.good, window.total)


def test_a_batch_says_of_each_row_what_is_wrong_and_stores_the_others(api: Caller) -> None:
    slo = fed(api.organization, "Gateway")
    strange = fed(an_organization("strange"), "Theirs")
    good = {"slo": str(slo.pk), "at": "2026-11-10T11:59:59Z", "good": 9, "total": 10}
    wrong = [
        {**good, "slo": str(strange.pk)}, {**good, "slo": "Time-to-Ready Processing"}, {**good, "good": 11},
        {**good, "at": "2026-11-12T12:00:01Z"}, {**good, "total": -1}, {**good, "total": 10.5},
        {**good, "at": "2026-11-10T12:00:00"}, {**good, "vendor": "Acme"}, {"slo": "Gateway", "good": 1, "total": 1},
    ]  # fmt: skip
    answer = data(api.post("counts", {"counts": [{**good, "slo": "Gateway", "good": 8}, *wrong, good]}))
    assert (answer["received"], answer["created"], answer["updated"], answer["rejected"]) == (11, 1, 1, 9)
    found = [(row["index"], row["errors"][0]["field"], row["errors"][0]["code"]) for row in answer["errors"]]
    assert found == [
        (1, "slo", "unknown"), (2, "slo", "unknown"), (3, "good", "range"), (4, "at", "range"), (5, "total", "type"),
        (6, "total", "type"), (7, "at", "type"), (8, "vendor", "unknown_field"), (9, "at", "required"),
    ]  # fmt: skip
    assert answer["errors"][2]["slo"] == str(slo.pk)
    (row,) = ReportedCount.objects.all()
    assert (row.slo, row.counted_at, row.good, row.total) == (slo, NOON - 5 * MINUTE, 9, 10)
    assert data(api.post("counts", good))["unchanged"] == 1
    assert api.post("counts", {**good, "slo": "Gatevay"}).status_code == 422
    assert api.post("counts?atomic=true", {"counts": [{**good, "good": 1}, *wrong]}).status_code == 422
    assert a_caller(api.organization, "read").post("counts", good).status_code == 403
    row.refresh_from_db()
    assert row.good == 9


def test_what_no_program_can_tell_is_no_data_and_never_an_error(api: Caller) -> None:
    slo = fed(api.organization, "Gateway")
    data(api.post("counts", {"slo": "Gateway", "at": "2026-11-10T11:50:00Z", "good": 9, "total": 10}))
    tick(api.organization, now=NOON)
    whole, part = (
        {one["name"]: one for one in data(api.get(f"slos/dashboard{query}"))["slos"]}["Gateway"]
        for query in ("?slo_types=good_total", "?vendor=Acme")
    )
    assert (whole["status"], part["status"]) != ("no_data", "no_data") == (part["status"], "no_data")
    past = data(api.get("slos/dashboard?as_of=2026-11-10T11:55:00Z"))["slos"]
    assert {one["name"]: one["status"] for one in past}["Gateway"] != "no_data"
    refused = api.get(f"invoices?slo_id={slo.pk}&outcome=bad")
    assert refused.status_code == 400
    assert "has no rows" in refused.json()["errors"][0]["message"]
    span = NOON - timedelta(days=1), NOON
    assert behind.page(slo, *span, Outcome.BAD, now=NOON, limit=9) == behind.contributors(slo, *span, now=NOON) == []
    assert behind.counts(slo, *span, now=NOON)[0].total == 10
    slo.only = {"vendor": "Acme"}
    with pytest.raises(ValidationError) as error:
        slo.full_clean()
    assert set(error.value.message_dict) == {"only"}


def test_its_page_says_that_no_rows_lie_behind_it(viewer, organization) -> None:
    slo = fed(organization, "Gateway")
    minutes = (NOW - NOON).total_seconds() / 60
    send(organization, slo, (minutes - 60, 40, 100), now=NOW)
    tick(organization, now=NOW)
    page = unescape(viewer.get(reverse("objective", args=[slo.pk])).content.decode())
    assert "99\N{NO-BREAK SPACE}% of events are good" in page
    assert "no invoices or other rows to list" in page
    assert reverse("invoices") + "?slo=" not in page
    other = organization.slos.exclude(pk=slo.pk).first()
    assert "no invoices or other rows to list" not in viewer.get(f"/slo/{other.pk}/").content.decode()
    asked = viewer.get(f"{reverse('invoices')}?slo={slo.pk}&outcome=bad")
    assert (asked.status_code, asked.url) == (302, reverse("objective", args=[slo.pk]))


def test_it_alerts_and_periods_are_left_out_of_it_but_no_invoice_is() -> None:
    organization = firm()
    slo = fed(organization, "Gateway")
    send(organization, slo, *((-5 * k, 50, 100) for k in range(1, 40)))
    tick(organization, now=NOON, then=evaluate)
    titles = list(SLOAlert.objects.filter(slo=slo).values_list("title", flat=True))
    assert any("events bad" in title for title in titles), titles
    for fields in ({"invoice_id": "I-1"}, {"start": at(-100), "end": at(-50)}):
        made = Exclusion.objects.create(organization=organization, category="other", reason="A test", **fields)
        exclusions.put_in_force(made)
    tick(organization, now=at(1))
    slo.snapshot.refresh_from_db()
    assert slo.snapshot.total == 3900 - 1000
    seen = foresee(organization, slo, since=at(-300), now=at(1))
    assert seen.series.counts(at(-300), at(5)).total == 2900
    slo.pk = uuid4()  # of one that is new
    assert foresee(organization, slo, since=at(-300), now=at(1)).series.counts(at(-300), at(5)).total == 0


def test_the_clean_up_takes_the_counts_and_leaves_the_figures() -> None:
    organization = firm()
    slo = fed(organization, "Gateway", window_days=90)
    send(organization, slo, (-5, 9, 10), (0, 5, 10), now=at(-1))
    tick(organization, now=NOON)
    later = at(3) + timedelta(days=30)
    assert "reported counts" not in clean_up.of_organization(organization, now=later - 5 * MINUTE)
    assert clean_up.of_organization(organization, now=later, dry_run=True)["reported counts"] == 1
    assert clean_up.of_organization(organization, now=later)["reported counts"] == 1
    send(organization, slo, (-5, 0, 10), now=later)
    tick(organization, now=later)
    slo.snapshot.refresh_from_db()
    assert (slo.snapshot.good, slo.snapshot.total) == (14, 20)
    assert TooLate.objects.get().start == at(-5)
