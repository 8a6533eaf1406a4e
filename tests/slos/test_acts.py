"""What is done to several objectives at once: confirmed with a reason, each by itself, none lost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Membership
from alerts.evaluate import evaluate
from alerts.models import SLOAlert
from slo_portal.config.applying import ARCHIVED, apply, compare, export
from slo_portal.config.entries import Place
from slo_portal.config.reading import read
from slos import acts
from slos.models import SLIBucket, SLODefinition, SLOSnapshot
from slos.status import overview
from slos.tick import tick
from tests.admin_world import address, listed, text
from tests.calling import a_caller, data

pytestmark = pytest.mark.django_db
LIST = address(SLODefinition, "changelist")


def act(client, action, *slos, **fields):
    return client.post(LIST, {"action": action, "_selected_action": [slo.pk for slo in slos], **fields}, follow=True)


def done(name, slo, *, now, by=None):
    (found,) = [one for one in acts.ACTS if one.name == name]
    return acts.perform(found, slo, reason="The vendor has left", by=by, now=now)


def test_an_act_is_first_shown_then_done_with_a_reason_that_the_history_keeps(house):
    editor, slos = house.client("editor"), list(house.ours.slos.all()[:2])
    for action, done_to, active in (("pause", "paused", False), ("resume", "resumed", True)):
        page = text(act(editor, action, *slos))
        assert "2 will change" in page
        assert "will not change" not in page
        assert SLODefinition.objects.filter(organization=house.ours, is_active=active).count() in (0, 5, 7)
        assert "This field is required" in text(act(editor, action, *slos, reason=" "))
        assert f"2 of 2 objectives {done_to}" in text(act(editor, action, *slos, reason="The vendor <b>"))
        for slo in slos:
            slo.refresh_from_db()
            last = slo.history.first()
            kept = (slo.is_active, last.is_active, last.history_user, last.history_change_reason)
            assert kept == (active, active, house.people["editor"], "The vendor <b>")
    noted = AuditEntry.objects.filter(actor_name="our-editor", note="Paused: The vendor <b>")
    assert noted.count() == 2


def test_what_will_not_change_is_named_with_the_reason_before_and_after(house):
    Membership.objects.create(user=house.people["editor"], organization=house.theirs, role="viewer")
    client = house.client("editor")
    mine, off, foreign = house.ours.slos.first(), house.ours.slos.last(), house.theirs.slos.first()
    done("pause", off, now=timezone.now())
    page = text(act(client, "pause", mine, off, foreign))
    assert "1 will change" in page
    assert "2 will not change" in page
    assert "It is paused already." in page
    assert "Your role in its organisation" in page
    page = text(act(client, "pause", mine, off, foreign, reason="Why not"))
    assert "1 of 3 objectives paused" in page
    assert "2 of 3 not changed." in page
    paused = SLODefinition.objects.filter(is_active=False).values_list("pk", flat=True)
    assert set(paused) == {mine.pk, off.pk}


def test_nothing_is_done_by_a_viewer_or_by_get(house):
    slo = house.ours.slos.first()
    for who, method in (("viewer", "post"), ("operator", "post"), ("editor", "get")):
        sent = {"action": "archive", "_selected_action": [str(slo.pk)], "reason": "Mine now"}
        getattr(house.client(who), method)(LIST, sent)
        slo.refresh_from_db()
        assert (slo.archived_at, slo.is_active) == (None, True), who
    assert "1 of 1 objective archived" in text(act(house.client("editor"), "archive", slo, reason="Positive control"))


def test_what_is_not_there_is_no_objective(house):
    editor = house.client("editor")
    for key in ("x", str(house.theirs.slos.first().pk)):
        page = text(editor.post(LIST, {"action": "pause", "_selected_action": [key], "reason": "Why not"}, follow=True))
        assert "objectives paused" not in page
    assert not SLODefinition.objects.filter(is_active=False).exists()


def test_another_owner_is_given_to_several(house):
    slos = list(house.ours.slos.all()[:3])
    slos[0].slos_owner = "Ada"
    slos[0].save()
    page = text(act(house.client("editor"), "set_owner", *slos, reason="Ada took over", slos_owner="Ada"))
    assert "2 of 3 objectives given to another owner" in page
    assert "It has this owner already." in page
    assert set(house.ours.slos.filter(slos_owner="Ada")) == set(slos)


def test_a_recalculated_objective_is_counted_again_from_the_rows(house):
    slo, now = house.ours.slos.get(name="Time-to-Ready Processing"), timezone.now()
    whole = SLOSnapshot.objects.get(slo=slo).total
    SLIBucket.objects.filter(slo=slo).delete()
    slo.snapshot.delete()
    SLOSnapshot.objects.filter(slo=slo).update(total=0)
    tick(house.ours, now=now)
    SLIBucket.objects.filter(slo=slo).delete()
    tick(house.ours, now=now)
    assert SLOSnapshot.objects.get(slo=slo).total == 0, "what was lost is not missed by itself"
    act(house.client("editor"), "recalculate", slo, reason="The disk was full")
    tick(house.ours, now=now)
    assert SLOSnapshot.objects.get(slo=slo).total == whole == 1


def test_an_archived_objective_is_in_no_list_but_its_page_and_figures_stay(house):
    now, slo = timezone.now(), house.ours.slos.get(name="Time-to-Ready Processing")
    measured = slo.measurements.count()
    done("archive", slo, now=now, by=house.people["editor"])
    tick(house.ours, now=now)
    found = overview(house.ours, now=now)
    assert slo not in [*found.paused, *(one.slo for one in found.slos)]
    client = house.client("editor")
    assert str(slo.pk) not in listed(client, SLODefinition)
    assert listed(client, SLODefinition, state="Archived") == [str(slo.pk)]
    caller = a_caller(house.ours)
    for query, there in (("", False), ("?active_only=false", False), ("?archived=true", True)):
        told = data(caller.get(f"slos/definitions{query}"))["definitions"]
        assert (str(slo.pk) in [one["id"] for one in told]) == there, query
    told = data(caller.get(f"slos/{slo.pk}/measurements"))
    assert len(told["measurements"]) == measured > 0
    page = text(client.get(f"/slo/{slo.pk}/"))
    assert "Archived since" in page
    assert "The vendor has left" in page
    form = text(client.get(address(SLODefinition, "change", slo.pk)))
    assert "Restore</button>" in form
    assert 'name="target_percentage"' not in form


def test_alerts_of_an_archived_objective_end_and_say_why(house):
    alert = SLOAlert.objects.unresolved().get(organization=house.ours, slo__isnull=False)
    now = timezone.now()
    done("archive", alert.slo, now=now)
    tick(house.ours, now=now, then=evaluate)
    alert.refresh_from_db()
    assert (alert.resolution, alert.resolved_at) == ("archived", now)
    assert "its objective was archived" in text(house.client("viewer").get(f"/alerts/{alert.pk}/"))


def test_a_restored_objective_is_counted_as_if_it_had_never_been_away(house):
    now, slo = timezone.now(), house.ours.slos.get(name="Time-to-Ready Processing")
    before = slo.snapshot.total
    done("archive", slo, now=now)
    with pytest.raises(acts.Unchanged, match="restore it first"):
        done("resume", slo, now=now)
    tick(house.ours, now=now)
    done("restore", slo, now=now + timedelta(minutes=1))
    tick(house.ours, now=now + timedelta(minutes=1))
    assert SLOSnapshot.objects.get(slo=slo).total == before == 1
    assert [row.history_change_reason for row in slo.history.all()] == ["The vendor has left"] * 2 + [None]


def test_the_name_of_an_archived_objective_stays_taken_and_no_file_brings_it_back(house):
    now, slo = timezone.now(), house.ours.slos.get(name="Approval Latency")
    file = export(house.ours)
    done("archive", slo, now=now)
    assert "Approval Latency" not in export(house.ours)
    place = Place(house.ours, now.date(), "slo-rules.yml")
    states = {one.name: one.state for one in compare(read(file, None), place)}
    assert states["Approval Latency"] == ARCHIVED
    apply(read(file, None), place, now=now, prune=True)
    slo.refresh_from_db()
    assert (slo.archived_at, house.ours.slos.filter(name=slo.name).count()) == (now, 1)
