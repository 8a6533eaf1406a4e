"""The files for Prometheus and Grafana, read by the tools themselves where these are installed (Debian: prometheus)."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError
from django.test import Client

from monitoring import families, health, rules
from slo_portal import tasks
from slos.budget import CRITICAL_PERCENT, WARNING_PERCENT
from slos.models import SLODefinition
from tests.facts import at, exception, firm, invoice
from tests.monitoring.a_prometheus import (
    DASHBOARDS,
    GRAFANA,
    PROMETHEUS,
    expressions,
    generated,
    needs_promtool,
    promtool,
    rules_of_the_portal,
)

NAME = re.compile(r"\b(?:ap_intake_\w+|slo:[\w:]+)")


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
    asked = [one for panel in board["panels"] for one in (panel, *panel["targets"])]
    assert {one["datasource"]["uid"] for one in asked} == {"${datasource}"}
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in board["panels"])
    assert {one["name"] for one in board["templating"]["list"]} >= {"datasource", "organization"}
    cells = [(x, y) for panel in board["panels"] for x, y in covered(panel["gridPos"])]
    assert len(cells) == len(set(cells))


def covered(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    assert place["x"] + place["w"] <= 24
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


def test_colours_change_where_the_portal_itself_changes_its_mind():
    defaults = SLODefinition()
    lag, budget = [seconds.total_seconds() for seconds in (health.SOON, health.LATE)], [80, 95]
    assert budget == [WARNING_PERCENT, CRITICAL_PERCENT]
    assert steps("Calculation is late by") == steps("Notifications are late by") == lag
    assert steps("Error budget used up") == budget
    assert steps("Error budget left") == [100 - share for share in reversed(budget)]
    assert steps("Burn rate over an hour") == [1, defaults.burn_rate_alert_threshold]


def steps(title: str) -> list[float]:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    (panel,) = [panel for board in boards for panel in board["panels"] if panel["title"] == title]
    return [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]


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


@needs_promtool
@pytest.mark.django_db
def test_promtool_finds_nothing_wrong_in_rules_and_configuration(tmp_path):
    firm()
    SLODefinition.objects.filter(sli_type="time_to_ready").update(name='Odd "name" {{ x }}\\', burn_policy="sre")
    for path in PROMETHEUS.glob("*.yml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "slo-rules.yml").write_text(generated())
    done = promtool("check", "config", "--lint=all", "--lint-fatal", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
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


@needs_promtool
def test_promtool_sees_each_alert_of_the_portal_fire_when_it_has_to_and_only_then():
    cases = Path(__file__).with_name("portal-rules-test.yml")
    done = promtool("test", "rules", str(cases))
    assert done.returncode == 0, done.stdout + done.stderr
    alerts = {rule["alert"] for rule in rules_of_the_portal() if "alert" in rule}
    tried = [
        case["alertname"] for test in yaml.safe_load(cases.read_text())["tests"] for case in test["alert_rule_test"]
    ]
    assert sorted(tried) == sorted([*alerts, *alerts])
