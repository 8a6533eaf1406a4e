"""The configuration in the administration: what differs from the file, downloads, and objectives from OpenSLO."""

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import AuditEntry
from slos.models import SLODefinition
from slos.openslo import reading
from tests.admin_world import address, text

pytestmark = pytest.mark.django_db


def page(organization):
    return reverse("admin:accounts_organization_configuration", args=[organization.pk])


def test_what_differs_from_the_file_is_shown_on_demand(house):
    client = house.client("editor")
    drift = client.get(page(house.ours)).context["drift"]
    assert (drift.summary, drift.problems) == ("17 as in the file.", ())
    house.ours.slos.filter(name="Approval Latency").update(target_percentage=91, runbook="a\nb")
    house.ours.escalation_policies.filter(name="Warning").delete()
    shown = text(client.get(page(house.ours)))
    assert "1 only in the file, 2 fields of 1 differ, " in shown
    assert '<td>target_percentage</td><td class="value">91</td><td class="value">90</td>' in shown
    assert page(house.ours) in text(client.get(address(SLODefinition, "changelist")))


def test_only_who_may_edit_objectives_sees_it_and_only_of_the_own_organisation(house):
    assert house.client("viewer").get(page(house.ours)).status_code == 403
    assert house.client("operator").post(page(house.ours)).status_code == 403
    assert house.client("admin").get(page(house.theirs)).status_code == 404
    assert house.client("root").get(page(house.theirs)).status_code == 200


def test_files_are_downloaded_and_the_audit_trail_knows(house):
    client = house.client("editor")
    answer = client.get(page(house.ours), {"export": "file"})
    assert (answer["Content-Type"], yaml.safe_load(text(answer))["version"]) == ("application/yaml", 1)
    slos = house.ours.slos.order_by("name")
    chosen = [str(slo.pk) for slo in slos[:2]]
    sent = {"action": "as_openslo", "_selected_action": chosen}
    some = reading.read(text(client.post(address(SLODefinition, "changelist"), sent)))
    assert [entry["name"] for entry in some.entries] == [slo.name for slo in slos[:2]]
    everything = reading.read(text(client.get(page(house.ours), {"export": "openslo"})))
    assert len(everything.entries) == 7
    assert AuditEntry.objects.filter(action="exported", actor_name="our-editor").count() == 3
    assert client.get(page(house.ours), {"export": "passwords"}).status_code == 404


def upload(client, house, content, name="slos.yaml"):
    sent = {"file": SimpleUploadedFile(name, content), "show": "1"}
    return client.post(page(house.ours), sent)


def test_an_upload_shows_what_it_would_change_and_changes_it_only_when_confirmed(house):
    client, slo = house.client("editor"), house.ours.slos.get(name="Approval Latency")
    exported = text(client.get(page(house.ours), {"export": "openslo"}))
    changed = exported.replace("targetPercent: 90\n", "targetPercent: 91\n", 1)
    answer = upload(client, house, changed.encode())
    assert "slos.yaml: 1 field of 1 changed, 6 as in the file." in text(answer)
    slo.refresh_from_db()
    assert slo.target_percentage == 90
    shown = answer.context["taken"].text
    assert client.post(page(house.ours), {"text": shown, "source": "slos.yaml"}).status_code == 302
    slo.refresh_from_db()
    assert slo.target_percentage == 91
    version = slo.history.first()
    assert (version.history_change_reason, version.history_user) == ("Applied from slos.yaml", house.people["editor"])
    assert AuditEntry.objects.filter(actor_name="our-editor", note="Applied from slos.yaml").count() == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\xff", "not written in UTF-8"), (b"a: [", "not YAML"), (b"kind: SLO\nmetadata: {name: <b>}", "&lt;b&gt;")],
)
def test_what_cannot_be_read_says_why_and_changes_nothing(house, content, says):
    answer = text(upload(house.client("editor"), house, content))
    assert says in answer
    assert "Nothing was changed" in answer
    assert "<b>" not in answer
