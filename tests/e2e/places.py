"""Every kind of page: in an organisation that has something to show on each, and in one that has nothing yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts import invitations, tokens
from accounts.models import Membership, Organization, User
from alerts import incidents, lifecycle
from alerts.lifecycle import By
from alerts.models import Message, Rota, RotaMember, Silence, SLOAlert
from kpis import rollups
from kpis.models import InvoiceMetric
from kpis.params import Span
from slo_portal.organizations import set_up
from slo_portal.reports import writing
from slo_portal.reports.models import Report
from slos import exclusions, figures
from slos.buckets import take_marks
from slos.models import Exclusion, SLODefinition
from tests.alerts.alerting import a_channel, a_member, an_alert, tell, worsen
from tests.facts import exception, firm
from tests.slos.worlds_to_show import add, invoice, member

UNBROKEN = "a-name-without-any-place-to-break-it-" * 4
LONG = (
    "37 of 260 invoices were not ready within 5 minutes since 09:10. That is 12 % of this month's allowance; 88 of 312 "
    "are left, and at this pace they run out on Thursday at about 14:00. Most are from Acme GmbH (22 of the 37)."
)
VENDORS = ("Łódź Papier & Söhne GmbH", "Oak & Sons", "W" * 60)


@dataclass(frozen=True)
class Place:
    """A page: who opens it, what the server answers, and how many charts it draws."""

    name: str
    path: str
    who: User | None
    status: int = 200
    charts: int = 0


@dataclass
class House:
    organization: Organization
    ada: User  # may do everything
    incident: SLOAlert
    taken: SLOAlert
    outage: Exclusion
    report: Report
    now: datetime

    @property
    def slo(self) -> SLODefinition:
        return self.organization.slos.get(sli_type="time_to_ready")


def furnish(organization: Organization) -> House:
    """Something long and something short wherever a page shows a text."""
    now = datetime.now(UTC)
    ada = a_member(organization, "ada", "admin", is_staff=True, email="ada@example.com")
    second = Organization.objects.create(name="The Second Foods and Beverages of Northern Europe", slug="the-second")
    Membership.objects.create(user=ada, organization=second, role="viewer")
    outage = _outage(organization, ada, now)
    _work(organization, now)
    incident, taken = _alarms(organization, ada, now)
    figures.refresh(organization, now=now)
    report = writing.write(organization, Span(now - timedelta(days=20), now), {"vendor": "W" * 60}, by=ada, now=now)
    tokens.issue(ada, organization, name="importer", scope="read")
    return House(organization, ada, incident, taken, outage, report, now)


def _work(organization: Organization, now: datetime) -> None:
    said = {"channel": "email", "document_type": "credit note", "amount": "1234.5", "currency": "EUR"}
    marked = {"vendor": VENDORS[0], "labels": {"cost centre": "4711"}}
    rows = [
        {**invoice(f"new-{k}", now - timedelta(hours=1 + 2 * k), late=k % 9 < 2), "vendor": VENDORS[k % 3]}
        for k in range(80)
    ]
    rows.append(invoice(UNBROKEN, now - timedelta(hours=5), late=True, failed=True, duplicate=True) | said | marked)
    add(organization, [*rows, {"invoice_id": "waits", "uploaded_at": now}], now)
    for k, kind in enumerate(("price", "missing order", "price")):
        exception(organization, f"E-{k}", now=now, invoice_id=UNBROKEN, kind=kind, severity="high", opened_at=now)
    slo = organization.slos.get(sli_type="time_to_ready")
    slo.runbook = "# OCR queue\n\n- [ ] Look at the *queue*\n- [ ] Ask [them](https://example.com)"
    slo.description = LONG
    slo.save()
    rollups.note(organization, take_marks(organization))
    while rollups.refresh(organization, now=now):
        pass


def _outage(organization: Organization, ada: User, now: datetime) -> Exclusion:
    """Of two hours, the day before yesterday, that nobody has to answer for."""
    start = now - timedelta(days=2)
    span = {"start": start, "end": start + timedelta(hours=2)}
    made = Exclusion.objects.create(organization=organization, category="supplier", reason=LONG, created_by=ada, **span)
    exclusions.put_in_force(made)
    return made


def _alarms(organization: Organization, ada: User, now: datetime) -> tuple[SLOAlert, SLOAlert]:
    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    channel = a_channel(organization)
    a_channel(organization, "Slack", off_at=ago(1), off_reason="The webhook does not exist any more.")
    rota = Rota.objects.create(organization=organization, name="On call", starts_on=now.date())
    RotaMember.objects.create(rota=rota, position=1, user=ada)
    Silence.objects.create(organization=organization, reason="Moving house", owner=ada, start=now, end=ago(-60))
    incident = an_alert(
        organization, now=ago(12), severity="critical", title="37 invoices late since 09:10", message=LONG
    )
    worsen(incident, now=ago(10), severity="incident", title="37 invoices late since 09:10: Time-to-Ready")
    incidents.open_for(incident, now=ago(10))
    tell(incident, channel, now=ago(9))
    tell(incident, channel, now=ago(8), state=Message.State.FAILED, error="550 no such user")
    for n in range(4):
        severity = ("info", "warning", "critical")[n % 3]
        an_alert(organization, None, now=ago(60 + n), subject=f"feed {n}", severity=severity, title=UNBROKEN)
    taken = an_alert(organization, "approval_latency", now=ago(90))
    lifecycle.acknowledge(taken, by=By(ada, "web"), now=ago(80), note="Asking them")
    lifecycle.resolve(an_alert(organization, "duplicate_recall", now=ago(90)), by=By(ada, "web"), now=ago(70))
    return incident, taken


def portal(house: House) -> Iterator[Place]:
    """The pages of the portal that somebody sees who is signed in."""
    ada, slo = house.ada, house.slo.pk
    one = InvoiceMetric.objects.get(organization=house.organization, invoice_id=UNBROKEN).pk
    yield Place("overview", "/", ada, charts=1)
    yield Place("objectives", "/slos/", ada)
    yield Place("objective", f"/slo/{slo}/", ada, charts=5)
    yield Place("inbox", "/alerts/", ada)
    yield Place("inbox, taken", "/alerts/?tab=acknowledged", ada)
    yield Place("inbox, past", "/alerts/?tab=resolved", ada)
    yield Place("incident", f"/alerts/{house.incident.pk}/", ada)
    yield Place("alert", f"/alerts/{house.taken.pk}/", ada)
    yield Place("mailbox", "/mailbox/", ada)
    yield Place("KPIs", "/kpis/", ada, charts=4)
    yield Place("KPIs of vendors", "/kpis/?by=vendor", ada, charts=4)
    yield Place("what has changed", "/kpis/changes/", ada)
    yield Place("invoices", "/invoices/", ada)
    yield Place("invoices of a figure", f"/invoices/?slo={slo}&outcome=bad", ada)
    yield Place("invoice", f"/invoices/{one}/", ada)
    yield Place("exceptions", "/exceptions/", ada)
    yield Place("reports", "/reports/", ada)
    yield Place("report", f"/reports/{house.report.pk}/", ada)
    yield Place("manual", "/help/", ada)
    yield Place("a page of the manual", "/help/answer-an-alert", ada)
    yield Place("API", "/docs", ada)
    yield Place("account", "/account/", ada)
    yield Place("password", "/account/password/", ada)
    yield Place("second factor", "/account/two-step/", ada)
    yield Place("own tokens", "/account/tokens/", ada)


def doors(house: House) -> Iterator[Place]:
    """The pages of who is not signed in, and those that say what went wrong."""
    ada, now = house.ada, house.now
    broken = member(house.organization, "broken")
    broken.memberships.update(role="unheard-of")
    _, link = invitations.invite(house.organization, "new@example.com", "operator", by=ada, now=now)
    yield Place("invitation", f"/join/{link.rstrip('/').rpartition('/')[2]}/", None)
    yield Place("no invitation", "/join/", ada, 404)
    yield Place("login", "/login/?ended=1", None)
    yield Place("no organisation", "/", member(None, "nobody"), 403)
    yield Place("may not", "/admin/accounts/user/", member(house.organization, "vic", is_staff=True), 403)
    yield Place("nowhere", "/nothing-here", ada, 404)
    yield Place("error", "/alerts/", broken, 500)
    yield Place("objective, bad range", f"/slo/{house.slo.pk}/?range=fortnight", ada, 400, charts=5)
    yield Place("KPIs, bad range", "/kpis/?range=custom&start=yesterday", ada, 400, charts=4)
    yield Place("invoices, bad filter", "/invoices/?start=yesterday", ada, 400)


def administration(house: House) -> Iterator[Place]:
    """The pages of the administration that operators use."""
    ada, organization = house.ada, house.organization
    channel, rota = organization.channels.first(), Rota.objects.get(organization=organization)
    assert channel
    root = User.objects.create_superuser("root")
    Membership.objects.create(user=root, organization=organization, role="admin")
    yield Place("system", "/system/", root)
    yield Place("configuration", f"/admin/accounts/organization/{organization.pk}/configuration/", root)
    yield Place("admin", "/admin/", ada)
    yield Place("admin: objectives", "/admin/slos/slodefinition/", ada)
    yield Place("admin: objective", f"/admin/slos/slodefinition/{house.slo.pk}/change/", ada)
    yield Place("admin: history", f"/admin/slos/slodefinition/{house.slo.pk}/history/", ada)
    yield Place("admin: alerts", "/admin/alerts/sloalert/", ada)
    yield Place("admin: channel", f"/admin/alerts/channel/{channel.pk}/change/", ada)
    yield Place("admin: silences", "/admin/alerts/silence/", ada)
    yield Place("admin: a new silence", "/admin/alerts/silence/add/", ada)
    yield Place("admin: exclusions", "/admin/slos/exclusion/", ada)
    yield Place("admin: a new exclusion", f"/admin/slos/exclusion/add/?slos={house.slo.pk}", ada)
    yield Place("admin: exclusion", f"/admin/slos/exclusion/{house.outage.pk}/change/", ada)
    yield Place("admin: rota", f"/admin/alerts/rota/{rota.pk}/change/", ada)
    yield Place("admin: invoices", "/admin/kpis/invoicemetric/", ada)
    yield Place("admin: tokens", "/admin/accounts/apitoken/", ada)


def nothing_yet() -> Iterator[Place]:
    """The same kinds of pages where nothing has come in: without any objective, and with the usual ones."""
    bare = Organization.objects.create(name="Bare", slug="bare")
    yield Place("first run, no objective", "/", a_member(bare, "nora", "admin"))
    paused = firm("paused")
    paused.slos.update(is_active=False)
    yield Place("everything paused", "/", a_member(paused, "pat"))
    fresh = Organization.objects.create(name="Fresh", slug="fresh")
    set_up(fresh, now=datetime.now(UTC))
    ned = a_member(fresh, "ned", "admin", is_staff=True)
    slo = fresh.slos.get(sli_type="time_to_ready").pk
    paths = ("/slos/", f"/slo/{slo}/", "/alerts/", "/alerts/?tab=resolved", "/kpis/", "/invoices/", "/exceptions/")
    for path in ("/", *paths, "/reports/", "/mailbox/", "/account/tokens/", "/admin/alerts/sloalert/"):
        yield Place(f"nothing yet: {path.replace(str(slo), '...')}", path, ned)
