"""Row-level security: what no query of the portal's own can get past, filter or no filter."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from accounts import reach
from accounts.models import Organization
from alerts.models import Channel, EscalationPolicy, EscalationStep, SLOAlert
from kpis.models import InvoiceMetric
from slo_portal import tasks, walls
from slos.models import SLODefinition, SLOSnapshot
from slos.tick import tick
from tests.alerts.alerting import an_alert
from tests.alerts.firms import a_quiet_firm, validated
from tests.calling import API, a_caller
from tests.facts import at, firm, invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Organization:
    return furnished("ours")


@pytest.fixture
def theirs() -> Organization:
    return furnished("theirs")


def furnished(slug: str) -> Organization:
    """A firm with something in many tables, all of which names it."""
    organization = firm(slug)
    invoice(organization, f"canary-{slug}", uploaded_at=0, ready_at=1, vendor=f"canary-{slug}", now=at(2))
    organization.slos.update(description=f"canary-{slug}")
    tick(organization, now=at(3))
    an_alert(organization, now=at(3), title=f"canary-{slug}")
    policy = EscalationPolicy.objects.create(organization=organization, name=f"canary-{slug}", severity="warning")
    EscalationStep.objects.create(policy=policy, position=1)
    Channel.objects.create(organization=organization, name=f"canary-{slug}", kind="webhook")
    return organization


def tables_with_walls() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relrowsecurity")
        return {name for (name,) in cursor.fetchall()}


def test_every_table_of_facts_figures_and_alerts_has_a_wall():
    wanted = {table for table, _ in walls.walls()}
    assert wanted == tables_with_walls()
    assert {"kpis_invoicemetric", "slos_slibucket", "alerts_rotamember", "alerts_escalationstep_channels"} < wanted
    assert "accounts_storedanswer" in wanted


def test_without_a_reach_there_is_nothing_and_with_one_only_what_is_within(ours, theirs):
    models = [InvoiceMetric, SLODefinition, SLOSnapshot, SLOAlert, Channel, EscalationStep]
    for model in models:
        everything = model.objects.count()
        with reach.within(reach.NOTHING):
            assert model.objects.count() == 0, model
        with reach.within(reach.of(ours.pk)):
            mine = model.objects.count()
        with reach.within(reach.of(theirs.pk)):
            others = model.objects.count()
        with reach.within(reach.of(ours.pk, theirs.pk)):
            assert model.objects.count() == everything
        assert mine > 0
        assert mine + others == everything


def test_nothing_is_written_to_others(ours, theirs):
    alert = SLOAlert.objects.get(organization=theirs)
    with reach.within(reach.of(ours.pk)):
        assert SLOAlert.objects.filter(pk=alert.pk).update(title="taken") == 0
        assert SLOAlert.objects.filter(pk=alert.pk).delete()[0] == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Channel.objects.create(organization=theirs, name="planted", kind="webhook")
        Channel.objects.create(organization=ours, name="own", kind="webhook")
    alert.refresh_from_db()
    assert alert.title == "canary-theirs"


def test_the_reach_survives_a_transaction_that_is_rolled_back(ours, theirs):
    with reach.within(reach.of(ours.pk)):
        sid = transaction.savepoint()
        assert Channel.objects.count() == 1  # tells the connection, within what is rolled back
        transaction.savepoint_rollback(sid)
        assert set(InvoiceMetric.objects.values_list("vendor", flat=True)) == {"canary-ours"}
    with reach.within(reach.of(theirs.pk)):
        assert set(InvoiceMetric.objects.values_list("vendor", flat=True)) == {"canary-theirs"}


READS = ("slos/dashboard", "slos/definitions", "alerts", "invoices", "exceptions")


def test_even_without_their_own_filters_requests_show_nothing_of_others(ours, theirs, monkeypatch):
    """Every filter by organisation is taken out of the ORM; positive control: without the wall they would leak."""
    ours_caller, theirs_caller = a_caller(ours), a_caller(theirs)
    original = QuerySet._filter_or_exclude

    def without_organization(self, negate, args, kwargs):
        kept = {name: value for name, value in kwargs.items() if not name.startswith("organization")}
        walled = self.model._meta.app_label in walls.APPS
        return original(self, negate, args, kept if walled else kwargs)

    monkeypatch.setattr(QuerySet, "_filter_or_exclude", without_organization)
    with reach.within(reach.of(ours.pk)):
        assert set(SLOAlert.objects.filter(organization=theirs).values_list("title", flat=True)) == {"canary-ours"}
    assert SLOAlert.objects.filter(organization=theirs).count() == 2  # the mutation works: the filter is gone
    seen = 0
    for path in READS:
        for caller, foreign in ((ours_caller, b"canary-theirs"), (theirs_caller, b"canary-ours")):
            answer = caller.get(path)
            body = b"".join(answer) if answer.streaming else answer.content
            assert foreign not in body, path
            seen += body.count(b"canary-")
    assert seen > 0
    assert API


def test_a_task_works_for_one_organisation_and_sees_no_other(theirs):
    ours = a_quiet_firm()
    validated(ours, "bad", 100, first=0, last=9, now=at(10), good=False)
    with reach.within(reach.NOTHING):
        tasks.tick_organization(str(ours.pk))
        tasks.draw(str(ours.pk))
        tasks.measurement("daily", ours.slug)
        assert SLOSnapshot.objects.count() == 0
    assert SLOSnapshot.objects.filter(organization=ours).exists()
    assert ours.slos.filter(measurements__isnull=False).exists()
