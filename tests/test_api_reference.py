"""docs/reference/api.md names every address and every parameter, and its calls work as they stand."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
from django.utils import timezone

from kpis.events import STEPS
from kpis.messages import EXCEPTION, INVOICE, SYSTEM
from slo_portal.api_urls import urlpatterns
from tests.alerts.alerting import an_alert
from tests.calling import API, a_caller, data, lines
from tests.facts import fed

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "api.md"
TEXT = PAGE.read_text()
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.mark.parametrize("route", urlpatterns, ids=lambda route: str(route.pattern))
def test_every_address_is_documented_with_its_methods_and_a_call(route) -> None:
    address = re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))
    for method in METHODS:
        if not hasattr(route.callback.view_class, method):
            continue
        section = TEXT.partition(f"### {method.upper()} /{address}\n")[2].partition("\n### ")[0]
        assert section, f"{method.upper()} /{address} is not documented"
        assert "curl " in section


@pytest.mark.parametrize("kind", [INVOICE, EXCEPTION, SYSTEM], ids=lambda kind: kind.name)
def test_every_field_is_documented(kind) -> None:
    assert [name for name in kind.columns if f"`{name}`" not in TEXT] == []


def test_every_event_type_is_documented() -> None:
    rows = re.findall(r"`((?:invoice|exception|)\.\w+)`", TEXT)
    assert {name if name[0] != "." else f"invoice{name}" for name in rows} >= STEPS.keys()


def operations() -> int:
    return sum(hasattr(route.callback.view_class, method) for route in urlpatterns for method in METHODS)


def calls() -> list[list[str]]:
    """The arguments of every curl on the page, but for those that only fetch an id for the next one."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)).replace("\\\n", "")
    return [shlex.split(line)[1:] for line in blocks.splitlines() if line.startswith("curl ")]


@pytest.mark.django_db
def test_the_calls_work_as_they_stand() -> None:
    api = a_caller(scope="admin")
    fed(api.organization, "Gateway availability")
    job = data(api.post("measurements/calculate?period=hourly"))["task_id"]
    alert = an_alert(api.organization, now=timezone.now())
    report = data(api.post("reports", {"start_date": "2026-01-01", "end_date": "2026-02-01"}))["id"]
    known = {"API": API.rstrip("/"), "TOKEN": api.token, "SLO": str(alert.slo_id), "JOB": job, "ALERT": str(alert.pk)}
    wish = {"category": "other", "reason": "A test", "start": "2027-01-03", "end": "2027-01-04"}
    known |= {"REPORT": report, "EXCLUSION": data(api.post("exclusions", wish))["id"]}
    for arguments in calls():
        filled = [re.sub(r"\$(\w+)", lambda name: known[name[1]], argument) for argument in arguments]
        given = argparse.ArgumentParser()
        given.add_argument("url")
        for option, default in (("-X", "GET"), ("-d", "")):
            given.add_argument(option, default=default)
        given.add_argument("-H", action="append")
        call = given.parse_args(filled)
        headers = dict(header.split(": ", 1) for header in call.H)
        media = headers.pop("Content-Type", "")
        assert headers == {"Authorization": f"Bearer {api.token}"}
        answer = api.request(call.X, call.url, call.d.encode(), media)
        if answer.streaming:
            assert lines(answer)
        else:
            assert not data(answer).get("rejected"), answer.content
    assert len(calls()) == operations()
