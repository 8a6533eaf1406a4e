"""An organisation whose seven objectives stand in seven different ways, and how to read the page about them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from django.test import Client

from accounts.models import Membership, Organization, User
from kpis.ingest import store_rows
from kpis.messages import INVOICE
from slos import catalogue
from slos.tick import tick

NOW = datetime(2026, 11, 10, 12, 2, tzinfo=UTC)
INVOICES = 200
STATES = {  # worst first, as the page shows them
    "Time-to-Ready Processing": "Budget used up",  # 20 late, 10 allowed
    "Approval Latency": "Critical",  # 19 late, 20 allowed
    "Processing Success Rate": "At risk",  # 9 failed, 10 allowed
    "Exception Resolution Time": "No data",
    "Extraction Accuracy": "Met",
    "Duplicate Detection Recall": "Too few to judge",  # 10 duplicates allow 0.2 misses
    "Validation Pass Rate": "Met",
}


def show(now: datetime, slug: str = "shown", zone: str = "Europe/Berlin") -> Organization:
    organization = Organization.objects.create(name=f"{slug.title()} Foods", slug=slug, time_zone=zone)
    organization.refresh_from_db()
    catalogue.ensure_defaults(organization, today=now.date())
    add(organization, list(invoices(now)), now)
    return organization


def add(organization: Organization, rows: list[Mapping[str, object]], now: datetime) -> None:
    result = store_rows(INVOICE, organization, rows, now=now)
    assert not result.rejected, result.errors
    tick(organization, now=now)


def invoices(now: datetime) -> Iterator[dict[str, object]]:
    """Bad ones long ago, so that nothing burns now; one before the window, so that it has run its full length."""
    yield invoice("first", now - timedelta(days=40))
    for k in range(INVOICES):
        uploaded = now - timedelta(days=28) + k * timedelta(hours=3)
        yield invoice(f"I-{k}", uploaded, late=k < 20, slow=k < 19, failed=k < 9, duplicate=k < 10)


def invoice(
    name: str,
    uploaded: datetime,
    *,
    late: bool = False,
    slow: bool = False,
    failed: bool = False,
    duplicate: bool = False,
) -> dict[str, object]:
    ready = uploaded + timedelta(minutes=6 if late else 3)
    message: dict[str, object] = {
        "invoice_id": name,
        "uploaded_at": uploaded,
        "extracted_at": uploaded + timedelta(minutes=1),
        "extraction_confidence": "0.97",
        "validated_at": uploaded + timedelta(minutes=2),
        "structural_valid": True,
        "math_valid": True,
        "ready_at": ready,
        "completed_at": ready,
        "processing_outcome": "failed" if failed else "succeeded",
        "approved_at": ready + timedelta(hours=3 if slow else 1),
    }
    if duplicate:
        message |= {"duplicate_flagged": True, "duplicate_confirmed": True, "duplicate_confirmed_at": ready}
    return message


def member(organization: Organization | None, name: str = "vera", **fields: object) -> User:
    user = User.objects.create_user(name, password="sesame", **fields)
    if organization:
        Membership.objects.create(user=user, organization=organization)
    return user


def page(client: Client) -> str:
    return client.get("/").content.decode()


class Rows(HTMLParser):
    """The objectives of a page, in order: name, state and the values of its figures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.into = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if given.get("id", "").startswith("slo-"):
            self.found.append({"id": given["id"].removeprefix("slo-"), "name": "", "state": ""})
        if tag == "data" and self.found and given["data-figure"] not in self.found[-1]:
            self.found[-1][given["data-figure"]] = given["value"]
        if self.found and not self.found[-1]["state"]:
            if given.get("scope") == "row":
                self.into = "name"
            elif "state" in (given.get("class") or "").split():
                self.into = "state"

    def handle_data(self, data: str) -> None:
        if self.into and data.strip():
            self.found[-1][self.into] += f"{data.strip()} "

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "small"}:
            self.into = ""
