"""OpenSLO v1: written strictly, read leniently, and back and forth the same to the byte."""

import json
from decimal import Decimal as D

import pytest
import yaml
from django.core.management import call_command

from slos import catalogue
from slos.models import SLODefinition
from slos.openslo import reading, strict, writing
from tests import facts

FOREIGN = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: ready-in-time, displayName: Ready in time}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: a}}}
    total: {metricSource: {type: Prometheus, spec: {query: b}}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec: {severity: page, condition: {kind: burnrate, op: lte, threshold: 4, lookbackWindow: 90m, alertAfter: 5m}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: wake}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: fast}]
  notificationTargets: [{targetRef: on-call}, {targetRef: nobody}]
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: on-call}
spec: {target: email}
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: Invoices_Ready
  labels: {team: ap}
  annotations: {slo-portal/sli_type: time_to_ready, slo-portal/target_value: "5", slo-portal/target_unit: minutes,
    dashboards.example/url: x}
spec:
  service: invoices
  indicatorRef: ready-in-time
  timeWindow: [{duration: 1Y, isRolling: true}]
  budgetingMethod: Timeslices
  objectives: [{target: "0.985"}, {target: 0.99}]
  alertPolicies: [{alertPolicyRef: wake}, {alertPolicyRef: gone}]
"""


@pytest.fixture
def firm(db):
    return facts.firm()


def dressed(firm):
    """Objectives with something of everything."""
    ready, rate = facts.slo(firm, "time_to_ready"), facts.slo(firm, "processing_success_rate")
    ready.name, ready.target_percentage, ready.window, ready.window_days = "Größe & “Eile”", D("99.905"), "week", 7
    ready.runbook, ready.description = "- [ ] a\n- [ ] b\n", "x" * 1200
    ready.notification_channels, ready.alert_types_off = ["Chat", "chat"], ["burn_rate_warning"]
    ready.burn_rate_alert_threshold, ready.burn_rate_warning_hours, ready.only = D("3.25"), 48, {"vendor": "Acme"}
    rate.burn_policy, rate.burn_rate_alert_threshold, rate.min_bad, rate.is_active = "sre", D("2.5"), 7, False
    for slo in (ready, rate, facts.fed(firm, "Gateway")):
        slo.full_clean()
        slo.save()
    return firm.slos.select_related("organization")


def test_there_and_back_is_the_same_to_the_byte(firm):
    text = writing.as_text(dressed(firm))
    found = reading.read(text)
    assert (found.warnings, found.refused, found.foreign) == ([], [], set())
    wanted = {slo.name: catalogue.entry(slo) for slo in firm.slos.all()}
    for entry in found.entries:
        slo = SLODefinition(organization=firm, **catalogue.values(entry))
        told = catalogue.entry(slo) | {"next_review_at": None}
        assert told == wanted[entry["name"]] | {"next_review_at": None}
    assert len(found.entries) == 8
    firm.slos.all().delete()
    for entry in found.entries:
        SLODefinition.objects.create(organization=firm, **catalogue.values(entry))
    assert writing.as_text(firm.slos.select_related("organization")) == text


def test_what_is_written_is_openslo_and_what_is_broken_is_not(firm):
    documents = list(yaml.safe_load_all(writing.as_text(dressed(firm))))
    assert [strict.wrong(document) for document in documents] == [""] * 8
    names = [document["metadata"]["name"] for document in documents]
    assert len(set(names)) == 8
    first = documents[0]
    for broken in (
        {**first, "kind": "Slo"},
        {**first, "metadata": {"name": "Not a name"}},
        {**first, "spec": {**first["spec"], "indicatorRef": "too"}},
        {**first, "spec": {**first["spec"], "objectives": [{"target": 0.9, "targetPercent": 90}]}},
        {**first, "spec": {**first["spec"], "timeWindow": [{"duration": "30 days"}]}},
        {**first, "spec": {**first["spec"], "extra": 1}},
    ):
        assert strict.wrong(broken)


def test_a_foreign_file_is_read_as_far_as_it_can_be_and_nothing_is_lost_silently():
    found = reading.read(FOREIGN)
    assert found.refused == []
    (entry,) = found.entries
    assert entry == {
        "name": "Invoices_Ready", "sli_type": "time_to_ready", "target_percentage": 98.5, "target_value": 5,
        "target_unit": "minutes", "measurement_periods": ["daily"], "burn_rate_alert_threshold": 4,
        "burn_rate_alert_hours": 2, "window_days": 90, "notification_channels": ["on-call"],
    }  # fmt: skip
    said = "\n".join(map(str, found.warnings))
    for expected in (
        "metadata.labels", "annotation dashboards.example/url", "1 more objectives", "'Timeslices' is counted by",
        "window of 1Y is taken as the last 90 days", "says 'lte'; it is taken as above 4", "'90m' is taken as 2 hours",
        "alertAfter '5m'", "AlertNotificationTarget 'nobody', which is not in the file", "AlertPolicy 'gone'",
        "not strictly OpenSLO v1",
    ):  # fmt: skip
        assert expected in said


REFUSED = [
    ("a: \0", "line 1: not YAML"),
    ("[" * 5000, "nested too deeply"),
    ("kind: SLO\nmetadata: {name: a}", "What it counts is not known here"),
    ("kind: SLO", "It has no name"),
    (FOREIGN.replace('objectives: [{target: "0.985"}, {target: 0.99}]', "objectives: 3"), "It has no objective"),
    (FOREIGN.replace('{target: "0.985"}', "{target: .nan}"), "has no target"),
    (f"{FOREIGN}---{FOREIGN}", "An objective before has this name"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_line_and_the_way_out(text, says):
    (refused,) = reading.read(text).refused
    assert says in str(refused)
    assert str(refused).startswith("line ")


@pytest.mark.parametrize(
    "text", ["", "3", "- 3\n- kind: SLO", "kind: [SLO]", "{1: 2}", "kind: SLO\nspec: 3\nmetadata: x"]
)
def test_no_text_breaks_the_reader(text):
    assert reading.read(text).entries == []


def test_the_command_shows_and_takes_in_what_is_in_a_file(firm, capsys, tmp_path):
    slos, file = dressed(firm), tmp_path / "slos.yaml"
    call_command("openslo", "export", organization="firm")
    text = capsys.readouterr().out
    assert text == writing.as_text(slos)
    file.write_text(text.replace("targetPercent: 99.905", "targetPercent: 99.5") + "---" + FOREIGN)
    call_command("openslo", "import", str(file), "--dry-run", organization="firm")
    told = capsys.readouterr()
    assert "target_percentage: 99.905 -> 99.5" in told.out
    assert "Would be imported: 1 new, 1 field of 1 changed, 7 as in the file." in told.out
    assert "Warning: line " in told.err
    assert firm.slos.count() == 8
    call_command("openslo", "import", str(file), "--json", organization="firm")
    assert len(json.loads(capsys.readouterr().out)["differences"]) == 2
    slo = firm.slos.get(name="Invoices_Ready")
    assert (slo.target_percentage, slo.history.get().history_change_reason) == (D("98.5"), "Applied from slos.yaml")
    file.write_text(FOREIGN.replace("slo-portal/target_unit: minutes", "slo-portal/target_unit: percent"))
    with pytest.raises(SystemExit):
        call_command("openslo", "import", str(file), organization="firm")
    assert 'slos "Invoices_Ready".target_unit: Time to ready is measured in' in capsys.readouterr().err
