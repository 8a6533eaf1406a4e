"""Two organisations with something in every table that the admin shows, and people of every role in the first."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit, invitations, tokens
from accounts.models import Membership, Organization, User
from alerts import incidents
from alerts.models import Mail, Silence
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION, INVOICE
from kpis.models import SystemMetric
from kpis.params import Span
from slo_portal import schedule
from slo_portal.organizations import set_up
from slo_portal.reports import writing
from slos import jobs
from slos.measure import catch_up
from slos.models import Exclusion, TooLate, WorkingCalendar
from slos.tick import tick
from tests.alerts.alerting import an_alert, tell

ROLES = Membership.Role.values


@dataclass
class World:
    ours: Organization
    theirs: Organization
    stranger: User
    root: User
    people: dict[str, User]  # by role in `ours`

    def client(self, who: str) -> Client:
        """Signed in as one of our roles, or as "root"."""
        client = Client()
        client.force_login(self.root if who == "root" else self.people[who])
        return client


def world() -> World:
    now = timezone.now()
    schedule.ensure()
    ours, theirs = (furnished(name, now) for name in ("Ours", "Theirs"))
    people = {role: member(ours, f"our-{role}", role) for role in ROLES}
    stranger = member(theirs, "their-admin", Membership.Role.ADMIN)
    for user, organization in ((people["admin"], ours), (stranger, theirs)):
        tokens.issue(user, organization, name=f"{organization.name} key", scope="read")
        invitations.invite(organization, "new@example.com", "viewer", by=user, now=now)
        audit.record(audit.Action.EXPORTED, now=now, actor=user, organization=organization)
    return World(ours, theirs, stranger, User.objects.create_superuser("root"), people)


def member(organization: Organization, name: str, role: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    Membership.objects.create(user=user, organization=organization, role=role)
    return user


def furnished(name: str, now: datetime) -> Organization:
    organization = Organization.objects.create(name=name, slug=name.lower())
    organization.refresh_from_db()
    set_up(organization, now=now)
    at = now - timedelta(days=2)
    invoice = {"invoice_id": f"{name}-1", "vendor": f"{name} vendor", "uploaded_at": at, "ready_at": at}
    store_rows(INVOICE, organization, [invoice], now=now)
    store_rows(EXCEPTION, organization, [{"exception_id": f"{name}-X", "opened_at": at, "resolved_at": at}], now=now)
    SystemMetric.objects.create(organization=organization, metric_name=f"{name} load", value=1, measured_at=now)
    jobs.request(organization, "daily", at, now, by=None)
    TooLate.objects.create(organization=organization, field="ready_at", start=at, noticed_at=now)
    tick(organization, now=now)
    catch_up(organization, "daily", now=now)
    alarmed(organization, now)
    writing.write(organization, Span(at, now), {}, by=None, now=now)
    return organization


def alarmed(organization: Organization, now: datetime) -> None:
    """An incident that was told by mail, a silence, and an exclusion."""
    alert = an_alert(organization, now=now, severity="incident", title=f"{organization.name} are late")
    incidents.open_for(alert, now=now)
    tell(alert, organization.channels.get(), now=now)
    Silence.objects.create(
        organization=organization, reason=f"{organization.name} move", start=now, end=now + timedelta(hours=1)
    )
    WorkingCalendar.objects.create(
        organization=organization, name=f"{organization.name} office", text="zone UTC\nMon-Fri 08:30-17:30"
    )
    Exclusion.objects.create(
        organization=organization, category="other", reason=f"{organization.name} flood", invoice_id="unknown"
    )
    Mail.objects.create(
        key=organization.slug, organization=organization, target="ops@example.com", subject="Late", text="Late"
    )


def models() -> list[type[Model]]:
    """All that the admin shows."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label_lower)


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def listed(client: Client, model: type[Model], **query: str) -> list[str]:
    """The keys of the rows in a list; none where the list is not shown."""
    answer = client.get(address(model, "changelist"), query)
    assert answer.status_code in {200, 403}, answer
    links = re.findall(rf'<th class="field-[^>]*><a href="{address(model, "changelist")}([^/"]+)/change/', text(answer))
    return [unquote(key) for key in links]


def text(answer: Any) -> str:
    return answer.content.decode()


def errors(answer: Any) -> dict[str, list[str]]:
    """Of the form that was not saved, by field."""
    assert answer.status_code == 200, answer
    return {field: list(found) for field, found in answer.context["adminform"].form.errors.items()}


def filled(client: Client, model: type[Model], pk: Any = None) -> dict[str, Any]:
    """What the browser would send of an untouched form."""
    page = address(model, "add") if pk is None else address(model, "change", pk)
    form = client.get(page).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    shown = {name: form[name].field.widget.format_value(value) for name, value in values.items() if value is not True}
    ticked = {name: "on" for name, value in values.items() if value is True}
    return {name: value for name, value in shown.items() if value not in (None, False, [])} | ticked
