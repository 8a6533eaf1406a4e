"""The first four calls that the design document shows, as `curl` sends them, on the real web server."""

import json
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import Organization
from accounts.tokens import issue
from tests.alerts.alerting import an_alert
from tests.slos.worlds_to_show import member

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
API = "/api/v1/metrics"


def curl(portal: str, method: str, path: str, token: str, given: str = "") -> tuple[int, dict[str, Any]]:
    """With the headers that curl has: neither a type nor a length where there is no `-d`."""
    address = urlsplit(portal)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.putrequest(method, path, skip_accept_encoding=True)
    headers = {"User-Agent": "curl/8.5.0", "Accept": "*/*", "Authorization": f"Bearer {token}"}
    if given:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(given))}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(given.encode() or None)
    answer = connection.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    connection.close()
    return answer.status, found


def test_the_first_calls_work_as_they_stand(portal: str, organization: Organization) -> None:
    user = member(organization, "ada")
    user.memberships.update(role="admin")
    token = issue(user, organization, name="curl", scope="admin")[1]
    alert = an_alert(organization, now=datetime.now(UTC))
    organization.slos.get(sli_type="duplicate_recall").delete()
    status, made = curl(portal, "POST", f"{API}/slos/initialize", token)
    assert (status, made["data"]["task"], made["data"]["created"]) == (202, "initialize_slos", 1)
    status, dashboard = curl(portal, "GET", f"{API}/slos/dashboard?time_range_days=30", token)
    assert (status, dashboard["success"], len(dashboard["data"]["slos"])) == (200, True, 7)
    status, summary = curl(portal, "GET", f"{API}/kpis/summary?days=7", token)
    assert (status, summary["data"]["period"]["days"]) == (200, 7)
    acknowledge = f"{API}/alerts/{alert.pk}/acknowledge"
    status, done = curl(portal, "POST", acknowledge, token, '{"notes": "Acknowledged via API"}')
    assert (status, done["data"]["acknowledged_by"]) == (200, "ada")
    assert alert.events.get(kind="acknowledged").note == "Acknowledged via API"
    for status, problem in (curl(portal, "POST", acknowledge, "wrong"), curl(portal, "PUT", acknowledge, token)):
        assert (status, problem["status"], problem["success"]) == (status, status, False)
        assert status in (401, 405)
