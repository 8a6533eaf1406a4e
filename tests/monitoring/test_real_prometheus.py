"""A real Prometheus over our counters: what it computes agrees with what we say."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
import yaml
from django.utils import timezone

from accounts.models import Organization
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from monitoring import recorded
from monitoring.exposition import pairs
from slo_portal import tasks
from tests.alerts.alerting import a_sent_message
from tests.facts import at, firm
from tests.monitoring.a_prometheus import (
    Prometheus,
    configure,
    expressions,
    generated,
    needs_prometheus,
    promtool,
    rules_of_the_portal,
)
from tests.monitoring.scraping import Series, scrape

pytestmark = [pytest.mark.slow, needs_prometheus, pytest.mark.django_db(transaction=True)]
EXPORTED = "slo:.+|ap_intake_slo_achieved_percentage|ap_intake_error_budget_consumed"
HOURS = (73, 72, 60, 48, 36, 24, 18, 12, 6, 4, 3, 2, 1.5)  # before the end at which the counters are read
MOMENTS = [*(-hour * 60 for hour in HOURS), *range(-60, 1, 5)]  # minutes; each look-back begins with one
EVENTS, ERRORS = "ap_intake_slo_events_total", "organization_slo:ap_intake_slo_error:ratio_increase"
Row = dict[str, object]


def work(organization: Organization, start: datetime, length: timedelta, *, bad_of_ten: int) -> None:
    """Ten of everything that is decided within this time, told once."""
    minute, end = timedelta(minutes=1), start + length
    lead = min(minute, length / 2)  # what is bad is decided a minute before it is done
    invoices: list[Row] = []
    for number in range(10):
        done, bad = start + lead + (length - lead) * number / 10, number < bad_of_ten
        invoices.append(
            {
                "invoice_id": f"{start.timestamp()}-{number}",
                "uploaded_at": done - (6 * minute if bad else minute),
                "extracted_at": done,
                "extraction_confidence": "0.4" if bad else "0.96",
                "validated_at": done,
                "structural_valid": True,
                "math_valid": not bad,
                "ready_at": done,
                "approved_at": done,
                "completed_at": done,
                "processing_outcome": "failed" if bad else "succeeded",
                "duplicate_confirmed": True,
                "duplicate_confirmed_at": done,
                "duplicate_flagged": not bad,
            }
        )
    exceptions: list[Row] = [
        {**_named("exception", row), "kind": "price", "opened_at": row["uploaded_at"], "resolved_at": row["ready_at"]}
        for row in invoices
    ]
    store_rows(INVOICE, organization, invoices, now=end)
    store_rows(EXCEPTION, organization, exceptions, now=end)


def _named(kind: str, row: Row) -> Row:
    return {f"{kind}_id": row["invoice_id"], "invoice_id": row["invoice_id"]}


def test_every_panel_and_rule_has_series_and_what_is_read_is_what_we_say(live_server, tmp_path):
    organization = firm()
    tasks.tick_organization(str(organization.pk))
    a_sent_message(organization, now=timezone.now())
    configure(tmp_path, live_server.url)
    second = timedelta(seconds=1)
    with Prometheus(tmp_path) as prometheus:
        for _ in range(20):
            work(organization, timezone.now() - second, second, bad_of_ten=3)
            tasks.tick_organization(str(organization.pk))
            tasks.pulse()
            tasks.system_figures()
            recorded.record(3, now=timezone.now())
            prometheus.wait_for_scrape()
        prometheus.wait_for_scrape()
        compare(prometheus)
        alerts = {rule["alert"] for rule in rules_of_the_portal() if "alert" in rule}
        assert {name for name, expr in expressions() if not prometheus.ask(expr)} == alerts - {
            "SLOPortalPartMissing"
        }  # no beat runs
        assert prometheus.ask('ALERTS{alertname="SLOBurnRate",slo_name="Processing Success Rate"}')


def compare(prometheus: Prometheus) -> None:
    """Each ratio that we expose is what it has read."""
    ours = {**scrape(), **scrape("?set=slo")}
    found = prometheus.ask(f'{{__name__=~"{EXPORTED}"}}')
    assert len(found) > 7 * 14
    for one in found:
        labels = {name: word for name, word in one["metric"].items() if name not in ("job", "instance", "__name__")}
        said = ours[one["metric"]["__name__"], frozenset(labels.items())]
        assert float(one["value"][1]) == pytest.approx(said, rel=1e-6), one["metric"]


def test_what_it_computes_of_three_days_agrees_with_us(tmp_path):
    organization = firm()
    (tmp_path / "counters").write_text("".join(history(organization)))
    done = promtool("tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "counters"), str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    (tmp_path / "prometheus.yml").write_text("{}")
    recorded = yaml.safe_load(generated())["groups"][0]["rules"]
    compared = 0
    with Prometheus(tmp_path) as prometheus, time_machine.travel(at(0), tick=False):
        prometheus.wait()
        ours = errors(scrape("?set=slo"))
        for rule in recorded:
            found = prometheus.ask(rule["expr"], at(0))
            look_back = rule["record"].removeprefix(ERRORS)
            for one in found:
                theirs, said = float(one["value"][1]), ours.get((one["metric"]["slo_name"], look_back))
                if said is not None:
                    assert theirs == pytest.approx(said, rel=1e-6), rule["record"]
                    compared += 1
    assert compared == 7 * 8
    assert len(set(ours.values())) > 7  # they differ by look-back


def history(organization: Organization) -> Iterator[str]:
    """The counters of events as OpenMetrics with their times."""
    yield f"# TYPE {EVENTS.removesuffix('_total')} counter\n"
    for number, (before, minute) in enumerate(zip([MOMENTS[0], *MOMENTS], MOMENTS, strict=False)):
        with time_machine.travel(at(minute), tick=False):
            if number:  # a counter begins at 0
                work(organization, at(before), at(minute) - at(before), bad_of_ten=number * 7 % 5)
            tasks.tick_organization(str(organization.pk))
            for (name, labels), figure in scrape().items():
                if name == EVENTS:
                    yield f"{name}{{{pairs(dict(labels))}}} {figure} {int(at(minute).timestamp())}\n"
    yield "# EOF\n"


def errors(series: Series) -> dict[tuple[str, str], float]:
    """Shares of bad events that we expose, by objective and look-back."""
    slugs = {slo.name.lower().replace(" ", "-"): slo.name for slo in Organization.objects.get().slos.all()}
    return {
        (slugs[labels["sloth_slo"]], labels["sloth_window"]): value
        for (name, those), value in series.items()
        if name.startswith("slo:sli_error") and (labels := dict(those))
    }
