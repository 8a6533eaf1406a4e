"""Forty texts that would run in a careless page, and an organisation that consists of them."""

from datetime import UTC, datetime, timedelta

from accounts import tokens
from accounts.models import Membership, Organization, User
from alerts import incidents, lifecycle
from alerts.lifecycle import By
from alerts.models import ChecklistItem, Mail, Message, Rota, Silence, SLOAlert
from kpis import rollups
from kpis.ingest import store_rows
from kpis.messages import EXCEPTION
from kpis.models import SystemMetric
from kpis.params import Span
from slo_portal.reports import writing
from slos import figures, jobs
from slos.buckets import take_marks
from slos.models import SLODefinition
from tests.alerts.alerting import a_channel, an_alert, tell
from tests.slos.worlds_to_show import add, invoice

TEXTS = (
    "<script>__x()</script>",
    "</script><script>__x()</script>",
    "<ScRiPt>__x()</sCrIpT>",
    "<script/x>__x()</script>",
    "<<script>__x();//<</script>",
    "<!--><script>__x()</script>-->",
    "--><script>__x()</script>",
    "]]><script>__x()</script>",
    "</title><script>__x()</script>",
    "</textarea><script>__x()</script>",
    "</style><script>__x()</script>",
    "</select><script>__x()</script>",
    "</noscript><img src=x onerror=__x()>",
    "</template><img src=x onerror=__x()>",
    "<img src=x onerror=__x()>",
    "<img/src=x/onerror=__x()>",
    "<img src=x onerror='__x()'",
    '"><img src=x onerror=__x()>',
    "'><img src=x onerror=__x()>",
    "`><img src=x onerror=__x()>",
    "><svg onload=__x()>",
    "<svg><script>__x()</script></svg>",
    "<svg><animate onbegin=__x() attributeName=x>",
    "<math><mtext></p><img src=x onerror=__x()>",
    '" autofocus onfocus=__x() x="',
    "' autofocus onfocus=__x() x='",
    "x onmouseover=__x() autofocus onfocus=__x()",
    '" onpointerenter="__x()',
    '" style="animation:x" onanimationstart="__x()',
    "<details open ontoggle=__x()>",
    "<input autofocus onfocus=__x()>",
    "<video><source onerror=__x()>",
    "<iframe srcdoc='<script>parent.__x()</script>'>",
    "<iframe src=javascript:parent.__x()>",
    "<a href=javascript:__x()>x</a>",
    "[x](javascript:__x())",
    "javascript:__x()",
    "<base href=javascript:__x()//>",
    "<body onload=__x()>",
    "{{constructor.constructor('__x()')()}}${__x()}",
)


def furnish(organization: Organization) -> User:
    """Put every text into every field that something shows; returns who may see all of them."""
    now = datetime.now(UTC)
    organization.name = TEXTS[20]
    organization.save()
    ada = User.objects.create_superuser("ada", first_name=TEXTS[0], last_name=TEXTS[14], email="ada@example.com")
    Membership.objects.create(user=ada, organization=organization, role="admin")
    people = User.objects.bulk_create(
        User(username=text, first_name=text, last_name=text, email=f"{k}@example.com", password="!")
        for k, text in enumerate(TEXTS)
    )
    Membership.objects.bulk_create(Membership(user=one, organization=organization, role="operator") for one in people)
    others = Organization.objects.bulk_create(Organization(name=text, slug=f"x{k}") for k, text in enumerate(TEXTS))
    Membership.objects.bulk_create(Membership(user=ada, organization=one, role="admin") for one in others)
    _facts(organization, now)
    slos = _objectives(organization)
    _alarms(organization, slos, people, now)
    _kept(organization, ada, now)
    figures.refresh(organization, now=now)
    return ada


def _facts(organization: Organization, now: datetime) -> None:
    rows = [
        invoice(text, now - timedelta(hours=2, minutes=k), late=True, failed=k % 2 == 0, duplicate=k % 3 == 0)
        | {"vendor": text, "channel": text, "document_type": text, "labels": {text: text}}
        for k, text in enumerate(TEXTS)
    ]
    add(organization, rows, now)
    exceptions = [
        {
            "exception_id": text,
            "invoice_id": text,
            "kind": text,
            "severity": text,
            "labels": {text: text},
            "opened_at": now,
        }
        for text in TEXTS
    ]
    done = store_rows(EXCEPTION, organization, exceptions, now=now)
    assert not done.rejected, done.errors
    SystemMetric.objects.bulk_create(
        SystemMetric(
            organization=organization, metric_name=text, metric_category=text, unit=text, value=1, measured_at=now
        )
        for text in TEXTS
    )
    rollups.note(organization, take_marks(organization))
    while rollups.refresh(organization, now=now):
        pass


def _objectives(organization: Organization) -> list[SLODefinition]:
    """The one that has something to say, and as many copies of it."""
    pattern = organization.slos.get(sli_type="time_to_ready")
    made = []
    for text in TEXTS:
        slo = organization.slos.get(pk=pattern.pk)
        slo.pk, slo._state.adding = None, True
        slo.id = SLODefinition._meta.get_field("id").get_default()
        slo.name = slo.description = slo.slos_owner = text
        slo.runbook = f"# {text}\n\n- [ ] {text}\n\n{text}\n\n[{text}]({text}) ![x]({text})"
        slo.save()
        made.append(slo)
    return made


def _alarms(organization: Organization, slos: list[SLODefinition], people: list[User], now: datetime) -> None:
    for k, (text, person, slo) in enumerate(zip(TEXTS, people, slos, strict=True)):
        channel = a_channel(organization, text, off_at=now, off_reason=text)
        alert = an_alert(organization, None, now=now, severity="incident", title=text, message=text, short=text)
        alert.slo = slo
        alert.save()
        incident = incidents.open_for(alert, now=now)
        incident.owner = person
        incident.save()
        ChecklistItem.objects.create(incident=incident, position=99, text=text)
        lifecycle.note(alert, by=By(person, "web"), now=now, text=text)
        if k % 2:
            lifecycle.acknowledge(alert, by=By(person, "web"), now=now, note=text)
        message = tell(alert, channel, now=now, state=Message.State.FAILED, error=text)
        Message.objects.filter(pk=message.pk).update(target=text)
        Silence.objects.create(
            organization=organization, reason=text, owner=person, start=now, end=now + timedelta(hours=1)
        )
        Mail.objects.create(organization=organization, key=text, target=text, subject=text, text=text)
        Rota.objects.create(organization=organization, name=text, starts_on=now.date())


def _kept(organization: Organization, ada: User, now: datetime) -> None:
    for text in TEXTS:
        writing.write(organization, Span(now - timedelta(hours=3), now), {"vendor": text}, by=ada, now=now)
        tokens.issue(ada, organization, name=text, scope="read")
    job = jobs.request(organization, "daily", now - timedelta(days=1), now, by=ada)
    job.error = TEXTS[0]
    job.save()


def alerts(organization: Organization) -> list[SLOAlert]:
    return list(organization.alerts.filter(title__in=TEXTS).order_by("title"))
