"""The files for Prometheus and Grafana, read by the tools themselves where these are installed (Debian: prometheus)."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from kpis.ingest import store_rows
from kpis.messages import INVOICE
from monitoring import families, rules
from slo_portal import tasks
from slos.models import SLODefinition
from tests.facts import at, exception, firm, invoice
from tests.monitoring.scraping import scrape, value
from tests.slo_portal.portal_process import free_port

FILES = Path(__file__).resolve().parents[2] / "monitoring"
PROMETHEUS, GRAFANA = FILES / "prometheus", FILES / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
NAME = re.compile(r"\b(?:ap_intake_\w+|slo:[\w:]+)")
needs_tools = pytest.mark.skipif(not shutil.which("promtool"), reason="there is no promtool")


def expressions() -> Iterator[tuple[str, str]]:
    """Everything that is asked of a Prometheus, and where."""
    for group in yaml.safe_load((PROMETHEUS / "portal-rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", filled_in(target["expr"])


def filled_in(expr: str) -> str:
    """As Grafana sends it when all is chosen."""
    return expr.replace("$organization", ".+").replace("$slo", ".+").replace("$__rate_interval", "1m")


def generated(organization: str = "") -> str:
    out = StringIO()
    call_command("prometheus_rules", *(["--organization", organization] if organization else []), stdout=out)
    return out.getvalue()


def test_only_names_that_exist_are_asked_for():
    ours = {family.name for family in (*families.STORED, *families.LIVE, *families.SLOTH)}
    ours |= {f"{family.name}_bucket" for family in families.STORED if family.kind == "histogram"}
    asked = {name for _, expr in expressions() for name in NAME.findall(expr)}
    assert len(asked) > 15
    assert asked - ours == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path):
    board = json.loads(path.read_text())
    assert board["uid"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert all(panel["targets"] and panel["gridPos"] for panel in board["panels"])
    assert {one["name"] for one in board["templating"]["list"]} >= {"datasource", "organization"}
    cells = [(x, y) for panel in board["panels"] for x, y in covered(panel["gridPos"])]
    assert len(cells) == len(set(cells))


def covered(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    assert place["x"] + place["w"] <= 24
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


def test_grafana_is_told_where_all_is():
    for path in GRAFANA.glob("provisioning/*/*.yml"):
        assert yaml.safe_load(path.read_text())["apiVersion"] == 1


@pytest.mark.django_db
def test_each_burn_rate_rule_of_each_objective_becomes_an_alert():
    organization = firm()
    SLODefinition.objects.filter(sli_type="time_to_ready").update(name='Odd "name" {{ x }}\\', burn_policy="sre")
    groups = yaml.safe_load(generated())["groups"]
    alerts = [rule for group in groups[1:] for rule in group["rules"]]
    assert len(alerts) == 6 * 2 + 4
    recorded = {rule["record"] for rule in groups[0]["rules"]}
    used = {name for rule in alerts for name in re.findall(r"organization_slo:[\w:]+", rule["expr"])}
    assert used <= recorded
    odd = [rule for rule in alerts if "Odd" in rule["expr"]]
    assert {rule["labels"]["severity"] for rule in odd} == {"warning", "critical"}
    assert any(" > 0.48" in rule["expr"] for rule in odd)  # 9.6 times a budget of 5 %, over an hour and a half
    assert rules.name_of(rules.timedelta(minutes=90)) in used
    firm("other")
    assert "other" not in generated(organization.slug)
    with pytest.raises(CommandError, match="no active organisation nobody"):
        generated("nobody")


@needs_tools
@pytest.mark.django_db
def test_promtool_finds_nothing_wrong_in_rules_and_configuration(tmp_path):
    firm()
    SLODefinition.objects.filter(sli_type="time_to_ready").update(name='Odd "name" {{ x }}\\', burn_policy="sre")
    for path in PROMETHEUS.glob("*.yml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "slo-rules.yml").write_text(generated())
    done = promtool("check", "config", "--lint=all", "--lint-fatal", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_tools
@pytest.mark.django_db
def test_promtool_finds_nothing_wrong_in_what_is_exposed():
    organization = firm()
    invoice(organization, "a", uploaded_at=0, ready_at=1, extracted_at=1, extraction_confidence="0.9", now=at(1))
    exception(organization, "e", kind='x\n"y', opened_at=0, now=at(1))
    tasks.tick_organization(str(organization.pk))
    tasks.system_figures()
    text = Client().get("/health/metrics").content.decode()
    done = promtool("check", "metrics", given=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert promtool("check", "metrics", given=text.replace("# HELP", "# ")).returncode != 0


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(shutil.which("promtool")), *arguments], input=given, capture_output=True, text=True)


class Prometheus:
    """A real one that reads a portal every second."""

    def __init__(self, folder: Path, portal: str) -> None:
        config = (PROMETHEUS / "prometheus.yml").read_text().replace("15s", "1s")
        config = config.replace("localhost:8000", urllib.parse.urlsplit(portal).netloc)
        (folder / "prometheus.yml").write_text(config)
        (folder / "portal-rules.yml").write_text((PROMETHEUS / "portal-rules.yml").read_text())
        (folder / "slo-rules.yml").write_text(generated().replace("interval: 30s", "interval: 1s"))
        self.address = f"127.0.0.1:{free_port()}"
        command = [str(shutil.which("prometheus")), f"--config.file={folder / 'prometheus.yml'}"]
        command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={self.address}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, expr: str) -> list[dict]:
        query = urllib.parse.urlencode({"query": expr})
        with urllib.request.urlopen(f"http://{self.address}/api/v1/query?{query}", timeout=10) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        return found["data"]["result"]

    def wait_for_scrape(self) -> None:
        """Until it has read the portal once more; PostgreSQL does the waiting."""
        before = self.scrapes()
        for _ in range(300):
            if self.scrapes() > before:
                return
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")
        raise AssertionError("Prometheus does not read")

    def scrapes(self) -> float:
        try:
            found = self.ask('count_over_time(up{job="slo-portal"}[1h])')
        except OSError:  # it is still starting
            return 0
        return float(found[0]["value"][1]) if found else 0

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("prometheus"), reason="there is no prometheus")
@pytest.mark.django_db(transaction=True)
def test_a_real_prometheus_agrees_with_us_and_every_panel_and_rule_has_series(live_server, tmp_path):
    organization = firm()
    tasks.tick_organization(str(organization.pk))
    prometheus = Prometheus(tmp_path, live_server.url)
    try:
        for second in range(30):
            work(organization, second)
            prometheus.wait_for_scrape()
        compare(prometheus)
        silent = {"SLOPortalDown", "SLOPortalCalculationLate", "SLOPortalNotificationsLate", "SLOPortalPartSilent"}
        silent |= {"SLOPortalFeedSilent", "SLOPortalAnswersFail", "slos: Alerts raised"}  # all is well
        empty = {name for name, expr in expressions() if not prometheus.ask(expr)}
        assert empty <= silent
    finally:
        prometheus.stop()


def work(organization, second: int) -> None:
    """Ten invoices a second, of which three fail; a worker and beat that live."""
    now = timezone.now()
    outcomes = ["failed" if number < 3 else "succeeded" for number in range(10)]
    rows = [
        {
            "invoice_id": f"{second}-{number}",
            "uploaded_at": now,
            "ready_at": now,
            "completed_at": now,
            "processing_outcome": outcome,
        }
        for number, outcome in enumerate(outcomes)
    ]
    store_rows(INVOICE, organization, rows, now=now)
    exception(organization, str(second), kind="price", opened_at=now, now=now)
    tasks.tick_organization(str(organization.pk))
    tasks.pulse()
    tasks.system_figures()


def compare(prometheus: Prometheus) -> None:
    """What it computes by increase() of our counters, and what we expose of the same time."""
    ours = value(scrape("?set=slo"), "slo:sli_error:ratio_rate5m", sloth_slo="processing-success-rate")
    (theirs,) = prometheus.ask(f'{rules.name_of(rules.timedelta(minutes=5))}{{slo_name="Processing Success Rate"}}')
    assert ours == pytest.approx(0.3)
    assert float(theirs["value"][1]) == pytest.approx(ours, rel=0.02)
    (read,) = prometheus.ask('slo:sli_error:ratio_rate5m{sloth_slo="processing-success-rate"}')
    assert float(read["value"][1]) == pytest.approx(ours, abs=1e-6)
