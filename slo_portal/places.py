"""The pages that the navigation leads to, and the page of the manual that goes with each."""

from typing import NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

PLACES = (  # what it is called, its name; its own pages have that name without the s
    ("Overview", "overview"),
    ("Objectives", "objectives"),
    ("Alerts", "alerts"),
    ("KPIs", "kpis"),
    ("Invoices", "invoices"),
    ("Reports", "reports"),
)
ALSO = {"invoices": ("exceptions",), "kpis": ("kpi-changes",)}
MANUAL = {  # by the name of a page: the file under docs/ that helps with it
    "overview": "read-the-pages",
    "objective": "read-an-objective",
    "alert": "answer-an-alert",
    "kpis": "kpis",
    "kpi-changes": "kpis",
    "invoice": "find-invoices",
    "exceptions": "find-invoices",
    "mailbox": "notifications",
    "reports": "reports",
    "account": "users",
    "password": "users",
    "two-step": "users",
    "system": "prometheus-and-grafana",
    "docs": "integrate-your-workflow",
}


class Place(NamedTuple):
    title: str
    name: str
    url: str
    current: bool


def places(request: HttpRequest) -> list[Place]:
    """Those that there are."""
    here = name_of(request)
    return [
        Place(title, name, url, here in (name, name.removesuffix("s"), *ALSO.get(name, ())))
        for title, name in PLACES
        if (url := _url(name)) is not None
    ]


def name_of(request: HttpRequest) -> str:
    """Of the page that is asked for; empty where there is none."""
    match = request.resolver_match
    return (match.url_name or "") if match else ""


def manual_page(request: HttpRequest) -> str:
    """The one that goes with the page, else the manual's first."""
    here = name_of(request)
    return next((MANUAL[name] for name in (here, here.removesuffix("s")) if name in MANUAL), "README")


def _url(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
