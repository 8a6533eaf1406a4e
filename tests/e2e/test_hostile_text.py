"""Texts that would run in a careless page do not in any of ours: not even where no content policy holds them back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from accounts.models import Organization
from alerts.transports import mail
from kpis.models import InvoiceMetric
from kpis.params import Span
from kpis.periods import DAY
from slo_portal.reports import mail as report_mail
from slo_portal.reports import writing
from slo_portal.reports.models import Report
from tests.alerts.messages import item, outgoing
from tests.e2e import hostile
from tests.e2e.hostile import TEXTS
from tests.e2e.looking import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LISTENS = "window.ran = []; window.__x = () => { window.ran.push('ran'); };"
# What has run, and what would at a click or under the pointer.
RAN = """() => {
    const found = [...window.ran], places = ["href", "src", "srcdoc", "action", "formaction", "data", "xlink:href"];
    for (const one of document.querySelectorAll("*")) {
        const known = one.tagName !== "SCRIPT" || (one.type && one.type !== "text/javascript");
        if (!known && one.textContent.includes("__x")) found.push(one.outerHTML.slice(0, 200));
        for (const {name, value} of one.attributes) {
            const runs = name.startsWith("on") || (places.includes(name) && /^\\s*(javascript|data):|</i.test(value));
            if (runs && value.includes("__x")) found.push(`${one.tagName} ${name}=${value}`);
        }
    }
    return found;
}"""
# Scrolls to a chart that has not been drawn yet; true when there is none.
DRAWN = """() => {
    const left = [...document.querySelectorAll(".plot:not(.empty)")].filter((one) => !one.dataset.drawn);
    left[0]?.scrollIntoView();
    return !left.length;
}"""


@pytest.fixture
def bare(open_page) -> Page:
    """Without the policy that would hold the texts back."""
    return listening(open_page(None, bypass_csp=True))


@pytest.fixture
def page(open_page, organization) -> Page:
    """Of somebody who sees all of the texts."""
    return listening(open_page(None, hostile.furnish(organization), bypass_csp=True))


def listening(page: Page) -> Page:
    page.add_init_script(LISTENS)
    page.on("dialog", lambda dialog: dialog.dismiss())
    return page


def lists(organization: Organization) -> Iterator[str]:
    """Pages that show all of the texts at once, or as many as they show of anything."""
    yield from ("/", "/slos/", "/alerts/", "/alerts/?tab=acknowledged", "/mailbox/", "/invoices/", "/exceptions/")
    yield from ("/kpis/?range=7d&by=vendor", "/kpis/?range=7d&by=channel", "/kpis/?range=7d&by=document_type")
    yield from ("/reports/", "/account/", "/account/tokens/", "/docs")
    for model in ("slos/slodefinition", "alerts/sloalert", "alerts/channel", "alerts/silence", "alerts/rota"):
        yield f"/admin/{model}/"
    for model in ("accounts/user", "accounts/apitoken", "accounts/organization", "accounts/auditentry"):
        yield f"/admin/{model}/"
    chosen = f"?organization={organization.pk}"
    for model in (
        "kpis/invoicemetric",
        "kpis/invoiceexception",
        "kpis/systemmetric",
        "alerts/message",
        "alerts/incident",
    ):
        yield f"/admin/{model}/{chosen}"


def details(organization: Organization, k: int) -> Iterator[str]:
    """Pages about what has the k-th text, and answers that repeat a text of the address."""
    text = TEXTS[k]
    slo = organization.slos.get(name=text)
    yield f"/slo/{slo.pk}/?range=7d"
    yield f"/alerts/{slo.alerts.get(title=text).pk}/"
    yield f"/invoices/{InvoiceMetric.objects.get(organization=organization, invoice_id=text).pk}/"
    yield f"/reports/{Report.objects.get(organization=organization, filters={'vendor': text}).pk}/"
    yield f"/admin/slos/slodefinition/{slo.pk}/change/"


def echoes(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    yield "/kpis/", {"vendor": text, "range": "7d"}
    yield "/invoices/", {"q": text, "vendor": text, "start": text}
    yield "/kpis/", {"range": "custom", "start": text, "end": text}
    yield "/alerts/", {"q": text, "tab": text}
    yield "/slos/", {"q": text}


def look(page: Page, path: str) -> list[str]:
    answer = page.goto(path)
    assert answer is not None
    if path.endswith("/change/"):
        page.wait_for_load_state("networkidle")  # the preview of an objective comes after its form
    until(page, DRAWN)
    assert answer.status < 500, path
    return [f"{path}: {one}" for one in page.evaluate(RAN)]


def test_no_list_runs_a_text_and_no_answer_one_of_its_address(page, organization):
    answers = (f"{path}?{urlencode(given)}" for text in TEXTS[::5] for path, given in echoes(text))
    assert [one for path in (*lists(organization), *answers) for one in look(page, path)] == []
    page.goto("/invoices/")
    assert all(text in page.locator("main").inner_text() for text in TEXTS)  # they are there, as they are


@pytest.mark.parametrize(
    "some", [range(0, len(TEXTS), 6), pytest.param(range(len(TEXTS)), marks=pytest.mark.long)], ids=["some", "all"]
)
def test_no_page_about_one_thing_runs_its_text(page, organization, some):
    assert [one for k in some for path in details(organization, k) for one in look(page, path)] == []


def test_no_mail_runs_a_text(bare, organization):
    now = datetime.now(UTC)
    items = [item(title=text, message=text, slo_name=text) for text in TEXTS[:20]]
    sent = mail.build("x@example.com", outgoing(*items, organization=TEXTS[20])).alternatives
    mails = [str(part.content) for part in sent]
    for text in TEXTS[14:19]:
        report = writing.write(organization, Span(now - DAY, now), {"vendor": text}, by=None, now=now)
        mails.append(report_mail.of(report).html)
    for html in mails:
        bare.goto("about:blank")
        bare.set_content(html)
        assert bare.evaluate(RAN) == []
        assert "__x()" in bare.locator("body").inner_text()


def test_a_text_that_runs_would_be_noticed(bare):
    bare.goto("/help/")
    assert bare.evaluate(RAN) == []
    unnoticed = []
    for text in TEXTS:
        bare.goto("about:blank")
        bare.set_content(f"<title>{text}</title><main>{text}<input value=\"{text}\"><a href='{text}'>{text}</a></main>")
        if not bare.evaluate(RAN):
            unnoticed.append(text)
    assert len(unnoticed) <= 4, unnoticed  # those that only another place, or another language, would run
