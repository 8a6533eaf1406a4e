"""The configuration as a file: what it may say, what is wrong with it, and that it and the database become the same."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, Membership, Organization, User
from alerts import secrets
from alerts.models import Channel
from slo_portal.config import reading, words
from slo_portal.config.applying import CHANGED, NEW, ONLY_HERE, SAME, Refused, apply, compare, export
from slo_portal.config.entries import Place
from slo_portal.organizations import set_up
from slos.catalogue import RULES, dump
from slos.models import SLODefinition
from tests.facts import NOON

HOOK = "https://hooks.slack.com/services/T0/B0/swordfish"
ENVIRONMENT = {"CHAT": HOOK, "FIRM_CHAT_URL": HOOK}
CHAT = {"channels": [{"name": "Chat", "kind": "slack", "url": "${CHAT}"}]}
SLO = {
    "name": "Fast lane", "sli_type": "time_to_ready", "target_percentage": 99.5, "target_value": 30,
    "target_unit": "seconds", "measurement_periods": ["daily"],
}  # fmt: skip
OFFICE = "zone Europe/Berlin\nMon-Fri 08:30-12:00, 13:00-17:30"


@pytest.fixture
def firm(db):
    organization = Organization.objects.create(name="Firm", slug="firm")
    organization.refresh_from_db()
    set_up(organization, now=NOON)
    return organization


def place(organization):
    return Place(organization, NOON.date(), "our.yml")


def configuration(text, environ=ENVIRONMENT):
    return reading.read(text if isinstance(text, str) else yaml.safe_dump({"version": 1, **text}), environ)


def applied(organization, text, **how):
    return apply(configuration(text), place(organization), now=NOON, **how)


def states(differences):
    return {one.name: one.state for one in differences}


def problems(text, environ=ENVIRONMENT):
    return [str(problem) for problem in configuration(text, environ).problems]


# --- the delivered file ----------------------------------------------------------------------------------------
def test_a_new_organisation_is_as_the_delivered_file_says(firm):
    differences = compare(configuration(RULES.read_text()), place(firm))
    assert len(differences) == 7 + 3 + 7
    assert {one.state for one in differences} == {SAME}


def test_the_schema_beside_the_file_is_that_of_the_models():
    kept = (RULES.parent / "slo-rules.schema.json").read_text()
    assert kept == json.dumps(reading.json_schema(), indent=2, ensure_ascii=False) + "\n"
    objective = json.loads(kept)["$defs"]["Objective"]
    edited = {field.name for field in SLODefinition._meta.fields if field.editable}
    assert "excluded_invoices" not in edited
    assert objective["properties"].keys() == edited - {"organization", "slos_owner"} | {"owner", "budget_policy"}


# --- what is wrong -----------------------------------------------------------------------------------------------
WRONG = [
    ("", "line 1: Expected a mapping with `version: 1`"),
    ("slos: []", "line 1: `version` is missing"),
    ("version: 2", "line 1, version: 2 is not a version"),
    ("version: 1\nslo: []", "line 2, slo: Unknown. Did you mean `slos`?"),
    ("version: 1\nretention: {}", "line 2, retention: what is kept for how long is fixed"),
    ("version: 1\nslos: 3", "line 2, slos: Expected a list of entries, got a number"),
    ("version: 1\nslos: [3]", "line 2, slos 1: Expected a mapping with measurement_periods, name"),
    ("version: 1\nrotas:\n- handover_at: '10:00'", "line 3, rotas 1: `name` is missing"),
    ({"slos": [{**SLO, "target": 5}]}, 'slos "Fast lane".target: Unknown. Did you mean `target_unit`?'),
    ({"slos": [{**SLO, "target_percentage": "95"}]}, "target_percentage: Expected a number, got text"),
    ({"slos": [{**SLO, "target_percentage": True}]}, "target_percentage: Expected a number, got true or false"),
    ({"slos": [{**SLO, "target_percentage": 100}]}, "target_percentage: Expected a number <= 99.999"),
    ({"slos": [{**SLO, "target_percentage": float("nan")}]}, "target_percentage: Expected a number >= 50"),
    ({"slos": [{**SLO, "target_value": float("inf")}]}, "target_value: "),
    ({"slos": [{**SLO, "target_value": 10**400}]}, "target_value: "),
    ({"slos": [{**SLO, "target_unit": "percent"}]}, "target_unit: Time to ready is measured in seconds, minutes"),
    ({"slos": [{**SLO, "window": "year"}]}, "window: 'year' is none of rolling, week, month, quarter"),
    ({"slos": [{**SLO, "measurement_periods": []}]}, "measurement_periods: This field cannot be blank"),
    ({"slos": [{**SLO, "burn_rate_alert_threshold": 500}]}, "the highest possible burn rate is 200"),
    ({"slos": [{**SLO, "runbook": "x" * 10_001}]}, "runbook: "),
    ({"slos": [{**SLO, "next_review_at": "soon"}]}, "next_review_at: Invalid"),
    ({"slos": [SLO, SLO]}, "'Fast lane' stands in line 2 already"),
    ({"slos": [{**SLO, "budget_policy": "strict"}]}, "budget_policy: There is no budget policy 'strict'"),
    ({"calendars": [{"name": "Office"}]}, 'calendars "Office": `working_hours` is missing'),
    ("version: 1\ncalendars:\n- name: O\n  working_hours: zone UTC", 'line 4, calendars "O".working_hours: the week'),
    ({"calendars": [{"name": "O", "working_hours": f"{OFFICE}\nMon closed"}]}, "Line 3: Mon has been named before"),
    ({"slos": [{**SLO, "clock": "working"}]}, "calendar: Name the calendar whose working hours count"),
    ({"slos": [{**SLO, "clock": "office"}]}, "clock: 'office' is none of elapsed, working"),
    ({"channels": [{"name": "C", "kind": "slack", "url": HOOK}]}, "write ${NAME}, and set NAME in the environment"),
    ({"channels": [{"name": "C", "kind": "slack", "url": "${NOT_THERE}"}]}, "NOT_THERE is not set in the environment"),
    ({"channels": [{"name": "C", "kind": "email", "targets": ["ops"]}]}, "'ops' is not an e-mail address"),
    ({"channels": [{"name": "C", "kind": "email", "url": "${CHAT}"}]}, "url: A channel of this kind has none"),
    ({"rotas": [{"name": "R", "handover_at": "9"}]}, "handover_at: '9' is not written so. Time of the hand-over"),
    ({"escalation_policies": [{"name": "P", "severity": "high"}]}, "severity: 'high' is none of info, warning"),
    ({"escalation_policies": [{"name": "P", "severity": "info"}]}, "steps: Name at least one step"),
    ({"escalation_policies": [{"name": "P", "severity": "info", "steps": [{"delay": 1}]}]}, "steps 1.delay: Unknown"),
    ({"schedules": [{"name": "tick", "every": "5 seconds"}]}, "name: 'tick' is none of hourly measurement"),
    ({"schedules": [{"name": "daily report"}]}, "Say `crontab` or `every`, one of the two"),
    ({"schedules": [{"name": "daily report", "crontab": "0 0 31 2 *"}]}, "There is no such moment"),
    ({"schedules": [{"name": "daily report", "crontab": "x * * * *"}]}, "crontab: "),
    ({"schedules": [{"name": "daily report", "every": "5 ages"}]}, "every: '5 ages' is not written so"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_wrong_is_told_with_its_line_and_the_way_out(text, says):
    found = problems(text)
    assert [says in problem for problem in found] == [True]
    assert "swordfish" not in str(found)


def test_every_error_is_told_at_once_a_sound_file_has_none_and_nothing_is_echoed():
    text = f"version: 1\nslos:\n- name: A\n  tarjet: 1\n  window: year\n- {dump(SLO).replace(chr(10), chr(10) + '  ')}"
    assert [problem.line for problem in configuration(text).problems][-2:] == [4, 5]
    assert problems({"slos": [SLO], **CHAT}) == []
    assert problems({"slos": [SLO], "channels": [{"name": "C", "kind": "slack", "url": "${NOT_SET}"}]}, None) == []


def test_a_budget_policy_is_said_once_and_complained_of_where_it_stands():
    text = {
        "budget_policies": [{"name": "strict", "window": "week", "burn_rate_alert_threshold": 300}],
        "slos": [{**SLO, "budget_policy": "strict"}],
    }
    (problem,) = problems(text)
    assert problem.startswith('line 2, budget_policies "strict".burn_rate_alert_threshold: It could never fire')
    text["budget_policies"][0]["burn_rate_alert_threshold"] = 3
    (slo,) = configuration(text).sections["slos"]
    assert (slo["window"], slo["burn_rate_alert_threshold"]) == ("week", 3)


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.sampled_from(sorted(SLO)),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*SLO, "kind", "url", "steps"]), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*reading.SHAPES, "version"]), HOSTILE))
@settings(max_examples=15, deadline=None)
def test_no_shape_of_a_file_breaks_the_reader(value):
    found = configuration(yaml.safe_dump(value))
    assert all(problem.line >= 1 and problem.message for problem in found.problems)
    assert found.problems or value.get("version") == 1


# --- applying ------------------------------------------------------------------------------------------------------
def test_what_is_new_changed_and_the_same_is_told_and_a_second_time_there_is_nothing(firm):
    text = {"slos": [SLO, {**yaml.safe_load(RULES.read_text())["slos"][4], "target_percentage": 91}], **CHAT}
    told = states(compare(configuration(text), place(firm)))
    assert {told[name] for name in ("Fast lane", "Chat")} == {NEW}
    assert told["Approval Latency"] == CHANGED
    assert told["Validation Pass Rate"] == told["Operations"] == ONLY_HERE
    assert firm.slos.count() == 7
    applied(firm, text)
    slo = firm.slos.get(name="Fast lane")
    assert (slo.target_percentage, slo.next_review_at) == (Decimal("99.500"), date(2027, 2, 10))
    assert secrets.reveal(firm.channels.get(name="Chat").secret) == {"url": HOOK}
    changed = firm.slos.get(name="Approval Latency")
    assert changed.target_percentage == 91
    assert changed.history.first().history_change_reason == "Applied from our.yml"
    versions, audited = SLODefinition.history.count(), AuditEntry.objects.count()
    assert audited == 3
    assert "swordfish" not in str(list(AuditEntry.objects.values()))
    assert CHANGED not in states(applied(firm, text)).values()
    assert (SLODefinition.history.count(), AuditEntry.objects.count()) == (versions, audited)


def test_nothing_is_applied_where_anything_is_wrong(firm):
    text = {"slos": [SLO], "rotas": [{"name": "R", "members": ["nobody"]}]}
    with pytest.raises(Refused, match=r'rotas "R".members: No member of firm: nobody'):
        applied(firm, text)
    for wrong in (
        {"slos": [SLO, {**SLO, "name": "Approval Latency"}]},
        {"slos": [SLO], "channels": [{"name": "Operations", "kind": "slack", "url": "${CHAT}"}]},
        {"slos": [SLO], "channels": [{"name": "C", "kind": "webhook"}]},
        {"slos": [SLO], "escalation_policies": [{"name": "P", "severity": "info", "steps": [{"on_call": ["X"]}]}]},
    ):
        with pytest.raises(Refused):
            applied(firm, wrong)
    assert firm.slos.count() == 7


def test_only_on_demand_what_the_file_leaves_out_goes_and_what_was_measured_stays(firm):
    kept = firm.slos.order_by("name")[0]
    kept.measurements.create(
        organization=firm, period="daily", period_start=NOON, period_end=NOON, good_events_count=1,
        total_events_count=1, target_percentage=95, error_budget_percentage=5, target_value=5, target_unit="minutes",
    )  # fmt: skip
    applied(firm, {"slos": []})
    assert firm.slos.active().count() == 7
    applied(firm, {"slos": []}, prune=True)
    assert [slo.name for slo in firm.slos.all()] == [kept.name]
    assert not firm.slos.get().is_active
    assert firm.escalation_policies.count() == 3
    assert not any(one.pruned() for one in applied(firm, {"slos": []}, prune=True))


def test_a_channel_keeps_its_secret_where_the_file_names_none(firm):
    applied(firm, CHAT)
    channel = firm.channels.get(name="Chat")
    Channel.objects.filter(pk=channel.pk).update(off_at=NOON, failures=3)
    applied(firm, {"channels": [{"name": "Chat", "kind": "slack", "is_active": False}]})
    channel.refresh_from_db()
    assert (secrets.reveal(channel.secret), channel.is_active, channel.failures) == ({"url": HOOK}, False, 3)
    again = configuration(CHAT, {"CHAT": f"{HOOK}2"})
    (difference,) = [one for one in compare(again, place(firm)) if one.name == "Chat"]
    assert "swordfish" not in repr(difference)
    apply(again, place(firm), now=NOON)
    channel.refresh_from_db()
    assert (secrets.reveal(channel.secret), channel.failures) == ({"url": f"{HOOK}2"}, 0)


# --- exporting -----------------------------------------------------------------------------------------------------
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
LINES = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), max_size=4).map("\n".join)
OBJECTIVE = st.fixed_dictionaries(
    {
        "name": TEXT, "description": LINES, "sli_type": st.just("approval_latency"), "owner": TEXT,
        "target_percentage": st.decimals(90, Decimal("99.999"), places=3).map(float),
        "target_value": st.decimals("0.01", 20, places=4).map(float), "target_unit": st.just("hours"),
        "measurement_periods": st.permutations(["hourly", "daily", "weekly"]).map(lambda all: all[:2]),
    },
    optional={
        "window": st.sampled_from(["rolling", "week", "month"]), "window_days": st.integers(8, 90), "runbook": LINES,
        "min_bad": st.integers(1, 1000), "is_active": st.booleans(),
        "notification_channels": st.lists(TEXT, max_size=2),
        "alert_types_off": st.just(["consecutive_failures"]), "next_review_at": st.dates(),
    },
)  # fmt: skip
SHARED = [HealthCheck.function_scoped_fixture]
CHANNEL = st.fixed_dictionaries(
    {"name": TEXT, "kind": st.just("webhook"), "url": st.just("${CHAT}")}, optional={"is_active": st.booleans()}
)


@given(
    st.lists(OBJECTIVE, max_size=3, unique_by=lambda one: one["name"]),
    st.lists(CHANNEL, max_size=3, unique_by=lambda one: one["name"]),
)
@settings(
    max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_exported_and_applied_elsewhere_the_export_is_the_same_to_the_byte(firm, slos, channels):
    applied(firm, {"slos": slos, "channels": channels}, prune=True)
    text = export(firm)
    assert "swordfish" not in text
    named = {value[2:-1]: HOOK for one in yaml.safe_load(text).get("channels", ()) if (value := one.get("url"))}
    assert len(named) == len(channels)
    other = Organization.objects.get_or_create(name="Other", slug="firm-2")[0]
    other.refresh_from_db()
    told = apply(reading.read(text, named), place(other), now=NOON, prune=True)
    assert (CHANGED in states(told).values()) <= bool(slos or channels)
    Organization.objects.filter(pk=firm.pk).update(slug="was-firm")
    Organization.objects.filter(pk=other.pk).update(slug="firm")
    try:
        assert export(Organization.objects.get(pk=other.pk)) == text
    finally:
        Organization.objects.filter(pk=other.pk).update(slug="firm-2")
        Organization.objects.filter(pk=firm.pk).update(slug="firm")


@pytest.mark.parametrize("text", ["\x85", "a\x85b", "a\u2028b", "\ufeffa", "a\u2029"])
def test_odd_ends_of_lines_come_back_as_they_were(text):
    assert yaml.safe_load(dump([text, {text: 1}])) == [text, {text: 1}]


def test_what_is_told_and_scheduled_comes_out_as_it_went_in(firm):
    ada = User.objects.create_user("ada")
    Membership.objects.create(user=ada, organization=firm, role="operator")
    text = {
        "slos": [SLO],
        **CHAT,
        "rotas": [{"name": "Nights", "starts_on": date(2026, 1, 5), "handover_day": "friday", "members": ["ada"]}],
        "escalation_policies": [
            {"name": "P", "severity": "critical", "slos": ["Fast lane"], "repeat_minutes": 5,
             "steps": [
                 {"everybody": True},
                 {"delay_minutes": 9, "channels": ["Chat"], "on_call": ["Nights"], "people": ["ada"]},
             ]}
        ],
        "schedules": [
            {"name": "daily report", "enabled": False, "every": "15 minutes"},
            {"name": "hourly measurement", "crontab": "4 6-18 * * 1-5", "time_zone": "Europe/Berlin"},
        ],
    }  # fmt: skip
    applied(firm, text)
    exported = export(firm)
    found = yaml.safe_load(exported)
    for section, entries in text.items():
        for entry in entries:
            shown = next(one for one in found[section] if one["name"] == entry["name"])
            assert {key: shown.get(key) for key in entry if key != "url"} == {
                key: value for key, value in entry.items() if key != "url"
            }
    applied(firm, exported)
    assert export(firm) == exported


def test_an_objective_of_the_file_keeps_a_calendar_of_the_file(firm):
    clocks = {"clock": "working", "calendar": "Office"}
    text = {"calendars": [{"name": "Office", "working_hours": OFFICE}], "slos": [{**SLO, **clocks}]}
    with pytest.raises(Refused, match="calendar: There is no calendar “Office”"):
        applied(firm, {"slos": text["slos"]})
    told = states(compare(configuration(text), place(firm)))
    assert (told["Office"], told["Fast lane"]) == (NEW, NEW)
    applied(firm, text)
    slo = firm.slos.get(name="Fast lane")
    assert (slo.clock, slo.calendar, slo.working_hours) == ("working", "Office", OFFICE)
    exported = export(firm)
    assert {SAME} == set(states(applied(firm, exported)).values())
    assert export(firm) == exported
    text["calendars"][0]["working_hours"] += "\nSat 09:00-12:00\n"
    (difference,) = [one for one in compare(configuration(text), place(firm)) if one.name == "Office"]
    assert list(words.lines([difference], prune=False))[-1].strip() == "+Sat 09:00-12:00"
    applied(firm, text)
    slo.refresh_from_db()
    assert slo.working_hours.endswith("Sat 09:00-12:00")
    assert firm.calendars.get().history.first().history_change_reason == "Applied from our.yml"
    applied(firm, {"calendars": []}, prune=True)
    assert firm.calendars.exists()
    applied(firm, {"calendars": [], "slos": []}, prune=True)
    applied(firm, {"calendars": []}, prune=True)
    assert not firm.calendars.exists()


# --- commands ------------------------------------------------------------------------------------------------------
def run(capsys, *arguments):
    """Exit status, standard output, standard error."""
    try:
        call_command(*arguments)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except CommandError as error:
        return error.returncode, "", str(error)
    return status, *capsys.readouterr()


def test_the_commands_say_what_is_wrong_what_would_change_and_what_was(firm, capsys, tmp_path: Path):
    file = tmp_path / "our.yml"
    assert run(capsys, "validate_config")[0] == 0
    assert run(capsys, "validate_config", "nowhere.yml")[0] == 2
    file.write_text("version: 1\nslo: []\n")
    status, _, said = run(capsys, "validate_config", str(file))
    assert (status, said) == (1, f"{file}: line 2, slo: Unknown. Did you mean `slos`?\n")
    assert json.loads(run(capsys, "validate_config", str(file), "--json")[1])["errors"][0]["line"] == 2
    assert run(capsys, "apply_config", str(file), "--organization", "firm")[0] == 1
    assert run(capsys, "apply_config", "--organization", "nobody")[0] == 2
    _, text, _ = run(capsys, "export_config", "--organization", "firm")
    file.write_text(
        text.replace("target_percentage: 90\n  target_value: 2\n", "target_percentage: 91\n  target_value: 2\n")
    )
    ours = (str(file), "--organization", "firm")
    _, told, _ = run(capsys, "apply_config", *ours, "--dry-run")
    assert "~ Approval Latency\n      target_percentage: 90 -> 91\n" in told
    assert "Would be applied: 1 field of 1 changed, " in told
    assert firm.slos.get(name="Approval Latency").target_percentage == 90
    _, told, _ = run(capsys, "apply_config", *ours, "--json")
    (difference,) = json.loads(told)["differences"]
    assert difference["fields"] == [{"field": "target_percentage", "old": 90, "new": 91}]
    assert run(capsys, "apply_config", *ours)[1] == "Applied: 19 as in the file.\n"
    assert json.loads(run(capsys, "validate_config", "--schema")[1])["$defs"]
