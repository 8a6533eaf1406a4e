"""The audit trail: what is done stands in it with old and new values, no secret does, and nobody can change it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from accounts import audit
from accounts.models import ApiToken, AuditEntry, Membership, Organization, User
from slos.models import SLODefinition
from tests.admin_world import address, filled, listed, text

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
LIST = "/admin/accounts/auditentry/"


@pytest.fixture
def ours():
    return Organization.objects.create(name="Ours", slug="ours")


def last(**found):
    return AuditEntry.objects.filter(**found).latest("id")


# --- nobody changes it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE accounts_auditentry SET note = 'x'", "DELETE FROM accounts_auditentry"])
def test_the_role_of_the_portal_can_only_add_to_it(ours, statement):
    audit.record(audit.Action.SIGNED_IN, now=NOW, organization=ours)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("slo_portal",)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute(statement)
    assert AuditEntry.objects.get().note == ""


def test_deleting_a_user_leaves_what_they_did(ours):
    user = User.objects.create_user("vera")
    audit.record(audit.Action.EXPORTED, now=NOW, actor=user, organization=ours)
    pk = user.pk
    user.delete()
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.actor_name) == (pk, "vera")


# --- what goes in ----------------------------------------------------------------------------------------


def test_values_that_sound_secret_and_characters_that_break_are_left_out(ours):
    changes = {
        "webhook_secret": ["old-hush", "new-hush"],
        "config": [None, {"api_token": "hush", "url": "kept", "deep": [1, NOW, float("nan")]}],
        "name": ["a\0b\nc", "x" * 9999],
    }
    audit.record(audit.Action.CHANGED, now=NOW, on=ours, changes=changes, note="line\nbreak")
    entry = AuditEntry.objects.get()
    assert "hush" not in json.dumps(entry.changes)
    assert entry.changes["config"][1]["url"] == "kept"
    assert entry.changes["name"][0] == "a\ufffdb\ufffdc"
    assert len(entry.changes["name"][1]) == audit.LONGEST
    assert entry.note == "line\ufffdbreak"
    assert entry.organization == ours


def test_an_edit_in_the_administration_is_noted_with_old_and_new_values(house):
    client, slo = house.client("editor"), house.ours.slos.first()
    sent = {
        **filled(client, SLODefinition, slo.pk),
        "name": "New name",
        "target_percentage": "97.5",
        "reason": "Agreed",
    }
    before, old_target = slo.name, slo.target_percentage
    assert client.post(address(SLODefinition, "change", slo.pk), sent).status_code == 302
    entry = last(action="changed")
    assert entry.changes["name"] == [before, "New name"]
    assert [float(value) for value in entry.changes["target_percentage"]] == [float(old_target), 97.5]
    assert (entry.actor_name, entry.organization, entry.object_id) == ("our-editor", house.ours, str(slo.pk))
    assert entry.address == "127.0.0.1"
    assert not {"organization", "sli_type", "is_active"} & set(entry.changes)


def test_a_changed_role_a_new_password_and_a_deleted_membership_are_noted(house):
    client, viewer = house.client("admin"), house.people["viewer"]
    own = viewer.memberships.get()
    client.post(address(Membership, "change", own.pk), {"role": "operator"})
    assert last().changes == {"role": ["viewer", "operator"]}
    sent = {"usable_password": "true", "password1": "sesame-open-1", "password2": "sesame-open-1"}
    client.post(f"{address(User, 'changelist')}{viewer.pk}/password/", sent)
    assert (last().action, last().object_label) == ("changed", "our-viewer")
    assert "sesame" not in json.dumps(last().changes)
    client.post(address(Membership, "delete", own.pk), {"post": "yes"})
    assert (last().action, last().object_type) == ("deleted", "accounts.membership")
    assert last().organization == house.ours


def test_a_role_changed_on_the_page_of_a_user_is_noted(house):
    client, viewer = house.client("admin"), house.people["viewer"]
    own = viewer.memberships.get()
    rows = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 1, "0-id": own.pk, "0-user": viewer.pk, "0-role": "editor"}
    rows |= {"0-organization": house.ours.pk}
    sent = {**filled(client, User, viewer.pk), **{f"memberships-{key}": value for key, value in rows.items()}}
    assert client.post(address(User, "change", viewer.pk), sent).status_code == 302
    assert list(last(action="changed").changes.values()) == [["viewer", "editor"]]
    assert "role" in next(iter(last(action="changed").changes))


def test_tokens_made_and_revoked_are_noted_without_their_secret(house):
    client, user = house.client("admin"), house.people["operator"]
    sent = {"user": user.pk, "organization": house.ours.pk, "name": "importer", "scope": "write"}
    answer = client.post(address(ApiToken, "add"), sent)
    secret = text(answer).partition('class="secret" value="')[2].partition('"')[0]
    made = last(action="token_made")
    assert made.object_label.startswith("importer")
    assert made.changes["scope"][1] == "write"
    assert secret[10:] not in str(list(AuditEntry.objects.values()))
    token = ApiToken.objects.get(name="importer")
    client.post(address(ApiToken, "changelist"), {"action": "revoke", "_selected_action": [token.pk]})
    assert last().action == "token_revoked"


def test_a_lost_telephone_is_dealt_with_by_an_admin_and_noted(house):
    user = house.people["viewer"]
    User.objects.filter(pk=user.pk).update(totp_since=NOW, totp_secret="x")
    foreign = house.stranger
    User.objects.filter(pk=foreign.pk).update(totp_since=NOW)
    chosen = {"action": "remove_second_factor", "_selected_action": [user.pk, foreign.pk]}
    house.client("admin").post(address(User, "changelist"), chosen)
    assert not User.objects.get(pk=user.pk).totp_since
    assert User.objects.get(pk=foreign.pk).totp_since
    assert last().note == "Second factor removed."


# --- read and taken along --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["add/", "{}/change/", "{}/delete/"])
def test_it_is_only_read(house, page):
    audit.record(audit.Action.EXPORTED, now=NOW, organization=house.ours)
    url = LIST + page.format(AuditEntry.objects.latest("id").pk)
    answer = house.client("root").post(url, {"post": "yes", "note": "mine"})
    assert answer.status_code == 403
    assert AuditEntry.objects.filter(action="exported", note="").exists()


def test_an_admin_reads_the_own_organisation_and_a_viewer_nothing(house):
    for organization in (house.ours, house.theirs, None):
        audit.record(audit.Action.RESOLVED, now=NOW, organization=organization, note="seen")
    assert len(listed(house.client("root"), AuditEntry, action__exact="resolved")) == 3
    found = listed(house.client("admin"), AuditEntry, action__exact="resolved")
    assert [AuditEntry.objects.get(pk=pk).organization for pk in found] == [house.ours]
    for url in (LIST, f"{LIST}export/csv/", f"{LIST}export/jsonl/"):
        assert house.client("editor").get(url).status_code == 403
    assert house.client("admin").get(f"{LIST}export/xlsx/").status_code == 404


def exported(client, kind, query=""):
    answer = client.get(f"{LIST}export/{kind}/{query}")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="audit-trail.{kind}"'
    return b"".join(answer.streaming_content).decode()


def test_it_is_exported_with_the_filters_of_the_list_and_nothing_of_others(house):
    for k, organization in enumerate([house.ours, house.theirs, house.ours]):
        at = NOW + timedelta(hours=k)
        audit.record(
            audit.Action.JOINED, now=at, organization=organization, on=organization, changes={"role": [None, k]}
        )
    audit.record(audit.Action.LOCKED_OUT, now=NOW, organization=house.ours)
    rows = list(csv.DictReader(io.StringIO(exported(house.client("admin"), "csv", "?action__exact=joined"))))
    assert [(row["at"], row["organization"]) for row in rows] == [
        ("2026-11-10T14:00:00+00:00", "ours"), ("2026-11-10T12:00:00+00:00", "ours")
    ]  # fmt: skip
    assert json.loads(rows[0]["changes"]) == {"role": [None, 2]}
    lines = [json.loads(line) for line in exported(house.client("root"), "jsonl").splitlines()]
    assert {"ours", "theirs"} <= {line["organization"] for line in lines}
    assert AuditEntry.objects.filter(
        action="exported", actor_name="our-admin", note__contains="csv action__exact"
    ).exists()


def test_no_cell_is_a_formula(house):
    for name in ("=1+1", "@SUM(A1)", "\t=x", "\uff1d1"):
        audit.record(audit.Action.ADDED, now=NOW, organization=house.ours, on=Organization(name=name))
    rows = list(csv.DictReader(io.StringIO(exported(house.client("admin"), "csv", "?action__exact=added"))))
    assert len(rows) == 4
    assert all(row["object_label"][0] in "'\ufffd" for row in rows)


def test_a_long_trail_is_exported_whole(house, monkeypatch):
    monkeypatch.setattr("accounts.exports.BATCH", 3)
    for k in range(10):
        audit.record(audit.Action.RESOLVED, now=NOW, organization=house.ours, note=str(k))
    lines = exported(house.client("admin"), "jsonl", "?action__exact=resolved").splitlines()
    assert [json.loads(line)["note"] for line in lines] == [str(k) for k in reversed(range(10))]


@pytest.mark.parametrize(
    "query", ["?action__exact=%00", "?at__year=99999999", "?organization=nobody", "?q=%00", "?nonsense=1"]
)
def test_filters_that_make_no_sense_export_nothing(house, query):
    client = Client(raise_request_exception=False)
    client.force_login(house.root)
    assert client.get(f"{LIST}export/csv/{query}").status_code in {200, 302, 400}
