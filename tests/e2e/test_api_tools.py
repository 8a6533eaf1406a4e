"""Tools that know the API only by its description: a fuzzer that finds no failure, a generated client that works."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import Organization
from accounts.tokens import issue
from alerts import lifecycle
from alerts.lifecycle import By
from alerts.models import AlertEvent
from kpis.params import Span
from slo_portal.api_urls import urlpatterns
from slo_portal.openapi.document import SERVER, document
from slo_portal.reports import writing
from slos import jobs
from slos.models import Exclusion
from tests.alerts.alerting import an_alert
from tests.facts import invoice
from tests.slos.worlds_to_show import member

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
BIN = Path(sys.executable).parent
SECONDS = 150
ACTS = ("acknowledge", "unacknowledge", "snooze", "unsnooze", "assign", "resolve", "reopen")
# not `positive_data_acceptance`: what a message contradicts in itself no schema can say; not `ignored_auth`: its header
# is always sent, and tests/test_isolation.py looks at every address without one
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance"
)


@pytest.fixture
def token(organization: Organization) -> str:
    user = member(organization, "ada")
    user.memberships.update(role="admin")
    _, secret = issue(user, organization, name="tools", scope="admin")
    return secret


@pytest.fixture
def known(organization: Organization, token: str) -> dict[str, list[str]]:
    """What the parameters of paths may be, so that the fuzzer finds something; each act has an alert of its own."""
    now = datetime.now(UTC)
    invoice(organization, "known", now=now)
    slo = organization.slos.get(sli_type="time_to_ready")
    job = jobs.request(organization, "daily", now, now, by=organization.users.first())
    report = writing.write(organization, Span(now - timedelta(days=1), now), {}, by=None, now=now)
    made = [an_alert(organization, one.sli_type, now=now) for one in organization.slos.all()]
    alerts = dict(zip(ACTS, made, strict=True))
    by = By(organization.users.get(username="ada"), AlertEvent.Channel.API)
    lifecycle.acknowledge(alerts["unacknowledge"], by=by, now=now)
    lifecycle.snooze(alerts["unsnooze"], by=by, now=now, until_better=True)
    outage = Exclusion.objects.create(organization=organization, category="other", reason="?", invoice_id="known")
    return {
        **{act: [str(alert.pk)] for act, alert in alerts.items()},
        "slo_id": [str(slo.pk)],
        "job_id": [str(job.pk)],
        "exclusion_id": [str(outage.pk)],
        "report_id": [str(report.pk)],
        "alert_id": [str(an_alert(organization, now=now, alert_type="regression").pk)],
        "invoice_id": ["known"],
    }


def described(known: dict[str, list[str]]) -> dict[str, Any]:
    found = json.loads(json.dumps(document(urlpatterns)))
    for path, methods in found["paths"].items():
        for one in methods.values():
            for parameter in one["parameters"]:
                if parameter["in"] == "path":
                    act = path.rpartition("/")[2]
                    kind = act if act in ACTS else parameter["name"]
                    parameter["schema"] = {"type": "string", "enum": known[kind]}
                elif parameter["name"] == "limit":  # of thirty that are optional, nearly all together contradict
                    parameter["example"] = 2
    return found


def answers(har: Path) -> Iterator[tuple[str, str, int]]:
    """(method, path, status) of all that the fuzzer asked."""
    for entry in json.loads(har.read_text())["log"]["entries"]:
        path = urlsplit(entry["request"]["url"]).path.removeprefix(SERVER)
        yield entry["request"]["method"], path, entry["response"]["status"]


def test_whatever_the_description_allows_or_forbids_nothing_fails(
    portal: str, token: str, known: dict[str, list[str]], tmp_path: Path, organization: Organization
) -> None:
    schema, har = tmp_path / "schema.json", tmp_path / "har.json"
    schema.write_text(json.dumps(described(known)))
    command = [
        BIN / "schemathesis",
        "run",
        schema,
        "--url",
        portal + SERVER,
        "--max-time",
        str(SECONDS),
        "--checks",
        CHECKS,
    ]
    command += ["-H", f"Authorization: Bearer {token}", "--seed", "20261110", "--generation-database", "none"]
    command += ["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--no-color", "--no-shrink"]
    command += [
        "--continue-on-failure",
        "--report",
        "har",
        "--report-har-path",
        har,
        "--warnings",
        "off",
        "--workers",
        "2",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=4 * SECONDS, check=False)
    print(done.stdout[-6000:])  # noqa: T201 - what pytest shows of a failure
    statuses: dict[tuple[str, str], set[int]] = defaultdict(set)
    number = 0
    for method, path, status in answers(har):
        for name, values in known.items():
            name = "alert_id" if name in ACTS else name
            path = next((path.replace(value, f"{{{name}}}") for value in values if value in path), path)
        statuses[method, path].add(status)
        number += 1
    print(number, {f"{method} {path}": sorted(found) for (method, path), found in statuses.items()})  # noqa: T201
    assert number > 500
    assert {status for found in statuses.values() for status in found if status >= 500} == set()
    for path, methods in document(urlpatterns)["paths"].items():
        for method in methods:
            assert statuses[method.upper(), path] & {200, 201, 202}, f"{method} {path} was never granted"
    assert done.returncode == 0, done.stdout


def test_a_generated_client_works(portal: str, token: str, known: dict[str, list[str]], tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(document(urlpatterns)))
    tools = {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}  # it tidies up with ruff
    make = [
        BIN / "openapi-python-client",
        "generate",
        "--path",
        schema,
        "--output-path",
        tmp_path / "made",
        "--meta",
        "none",
    ]
    made = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, env=tools)
    assert made.returncode == 0, made.stdout + made.stderr
    told = made.stdout + made.stderr  # all that it cannot do are the types of bodies that it does not know
    unsupported = told.count("Unsupported content type application/")
    assert told.count("WARNING") == unsupported > 0
    script = Path(__file__).with_name("generated_client.py").read_text()
    use = [sys.executable, "-W", "error", "-c", script, portal + SERVER, token, known["alert_id"][0]]
    used = subprocess.run(use, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert used.returncode == 0, used.stdout + used.stderr
    assert used.stdout.split() == ["invoices:1", "slos:7", "alert:acknowledged", "refused:422"]
