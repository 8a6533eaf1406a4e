"""Five organisations with something of everything, each of which can be recognised, and every address of the portal."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import audit, invitations, tokens
from accounts.models import Invitation, Membership, Organization, User
from alerts.models import (
    Channel,
    ChecklistItem,
    EscalationPolicy,
    EscalationStep,
    Incident,
    Mail,
    Message,
    Notification,
    Rota,
    RotaMember,
    Silence,
    SLOAlert,
)
from kpis.models import InvoiceMetric, SeriesChange, SystemMetric
from kpis.params import Span
from slo_portal import walls
from slo_portal.reports import writing
from slos import exclusions, jobs
from slos.models import Exclusion, Job, SLODefinition
from tests.admin_world import furnished, member
from tests.alerts.alerting import an_alert

ROLES = Membership.Role.values


@dataclass
class Firm:
    """One organisation; `canary` is in all that is its own."""

    organization: Organization
    people: dict[str, User]
    objects: dict[str, Any] = field(default_factory=dict)  # by the name that an address has for it

    @property
    def canary(self) -> str:
        return self.organization.name

    def client(self, role: str) -> Client:
        client = Client()
        client.force_login(self.people[role])
        return client

    def token(self, role: str) -> str:
        return tokens.issue(self.people[role], self.organization, name="test", scope="admin")[1]


def a_firm(name: str, now: datetime) -> Firm:
    organization = furnished(name, now)
    people = {role: member(organization, f"{name}-{role}", role) for role in ROLES}
    admin = people["admin"]
    invitations.invite(organization, f"{name}@example.com", "viewer", by=admin, now=now)
    audit.record(audit.Action.EXPORTED, now=now, actor=admin, organization=organization)
    organization.slos.update(description=f"{name} promises", slos_owner=f"{name} team")
    for slo in organization.slos.all():
        slo.name = f"{name} {slo.sli_type}"
        slo.save()
    SystemMetric.objects.create(organization=organization, metric_name=f"{name} depth", value=1, measured_at=now)
    alert = an_alert(organization, now=now, title=f"{name} alert", message=f"{name} is late", subject="more")
    _told(organization, alert, name, now)
    job = jobs.request(organization, "daily", now - timedelta(days=1), now, by=admin)
    Job.objects.filter(pk=job.pk).update(error=f"{name} failed")
    SeriesChange.objects.create(
        organization=organization, series="total_invoices", granularity="daily", kind="shift", before=9, after=1,
        start=now - timedelta(days=1), confidence=1, cause={"field": "vendor", "value": f"{name} vendor", "share": 90},
        found_at=now, seen_at=now,
    )  # fmt: skip
    report = writing.write(organization, Span(now - timedelta(days=3), now), {}, by=admin, now=now)
    objects = {
        "slo_id": organization.slos.first().pk,  # type: ignore[union-attr]
        "alert_id": alert.pk,
        "job_id": job.pk,
        "report_id": report.pk,
        "report": report.pk,
        "exclusion_id": Exclusion.objects.filter(organization=organization).latest("created_at").pk,
        "invoice_id": f"{name}-1",
        "invoice": InvoiceMetric.objects.get(organization=organization, invoice_id=f"{name}-1").pk,
        "key": "budget",
        "pk": alert.pk,
        "app_label": "slos",
        "revoke-own-token": tokens.issue(admin, organization, name=f"{name} key", scope="read")[0].pk,
        "secret": Invitation.objects.filter(organization=organization).values_list("digest", flat=True).first(),
    }
    return Firm(organization, people, objects)


def _told(organization: Organization, alert: SLOAlert, name: str, now: datetime) -> None:
    """Channels, messages, policies, silences and an incident."""
    channel = Channel.objects.create(organization=organization, name=f"{name} channel", kind="email")
    message = Message.objects.create(
        organization=organization, channel=channel, target=f"{name}@example.com", severity="warning", urgent=True,
        state="sent", created_at=now, error=f"{name} error",
    )  # fmt: skip
    Notification.objects.create(
        organization=organization, alert=alert, channel=channel, target=f"{name}@example.com", reason="opened",
        severity="warning", title=f"{name} title", text=f"{name} text", due_at=now, state="bundled", message=message,
        dedupe_key=name, created_at=now,
    )  # fmt: skip
    Mail.objects.create(
        organization=organization, key=name, target=f"{name}@example.com", subject=f"{name} mail", text=name
    )
    owner = User.objects.get(username=f"{name}-operator")
    rota = Rota.objects.create(organization=organization, name=f"{name} rota", starts_on=now.date())
    RotaMember.objects.create(rota=rota, position=1, user=owner)
    policy = EscalationPolicy.objects.create(organization=organization, name=f"{name} policy", severity="warning")
    EscalationStep.objects.create(policy=policy, position=1, to_operations=True)
    Silence.objects.create(
        organization=organization, reason=f"{name} silence", owner=owner, start=now, end=now + timedelta(hours=1)
    )
    outage = Exclusion.objects.create(
        organization=organization, category="supplier", reason=f"{name} outage", start=now, end=now + timedelta(hours=1)
    )
    outage.slos.set(organization.slos.all()[:1])
    exclusions.put_in_force(outage)
    incident = Incident.objects.create(organization=organization, alert=alert, owner=owner, opened_at=now)
    ChecklistItem.objects.create(incident=incident, position=1, text=f"{name} item")


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver: its full name and the names of what stands in it."""

    name: str
    wants: tuple[str, ...]
    numbered: bool = False  # the version of an object: its parts have no names

    def url(self, firm: Firm) -> str:
        """With the objects of a firm in it."""
        if self.numbered:
            slo = firm.objects["slo_id"]
            return reverse(self.name, args=[slo, SLODefinition.history.filter(id=slo).latest().history_id])
        given = {want: firm.objects.get(self.name, firm.objects.get(want)) for want in self.wants}
        if "object_id" in given:
            given["object_id"] = _shown_object(self.name, firm)
        return reverse(self.name, kwargs={want: "1" if value is None else value for want, value in given.items()})


def _shown_object(name: str, firm: Firm) -> object:
    """One of the firm's own, of the model that a page of the administration is about."""
    for model in admin.site._registry:
        if name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_"):
            if model in (Organization, User):
                return firm.organization.pk if model is Organization else firm.people["viewer"].pk
            names = {one.name for one in model._meta.fields}
            mine = model.objects.filter(organization=firm.organization) if "organization" in names else None  # type: ignore[attr-defined]
            return mine.first() and mine.first().pk if mine is not None else None
    return None


def addresses() -> list[Address]:
    """All that have a name."""
    found = {one.name: one for one in _walk(get_resolver().url_patterns, "")}
    return sorted(found.values(), key=lambda one: one.name)


def _walk(patterns: Any, prefix: str) -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from _walk(pattern.url_patterns, prefix + space)
        elif isinstance(pattern, URLPattern) and pattern.name:
            regex = pattern.pattern.regex  # type: ignore[attr-defined]
            yield Address(prefix + pattern.name, tuple(regex.groupindex), regex.groups > len(regex.groupindex))


def fingerprints(firm: Firm) -> dict[str, str]:
    """Of all rows of an organisation, by table."""
    found = {}
    with connection.cursor() as cursor:
        for table, condition in walls.walls():
            if "organization_id" in condition:
                sql = f"SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM \"{table}\" t WHERE organization_id = %s"  # noqa: S608, E501
                cursor.execute(sql, [firm.organization.pk])
                found[table] = cursor.fetchone()[0] or ""
    return found
