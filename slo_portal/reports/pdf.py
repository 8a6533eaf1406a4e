"""A report as a PDF. Typst sets it: it needs no library of the system, and brings its fonts."""

import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from accounts.when_needed import when_needed
from kpis.words import counted, percentage
from slo_portal.reports.models import Report
from slo_portal.reports.templatetags.report_words import verdict

SOURCE = settings.BASE_DIR / "templates" / "reports" / "report.typ"
COUNTED = ("opened", "resolved", "still_open")
Told = dict[str, Any]


def of(report: Report) -> bytes:
    """As it was made; nothing is looked up."""
    told = json.dumps(_told(report))
    typst = when_needed("typst")
    found: bytes = typst.compile(str(SOURCE), format="pdf", sys_inputs={"told": told})
    return found


def _told(report: Report) -> Told:
    content, zone = report.content, report.organization.time_zone
    start, end = (at.astimezone(zone) for at in (report.period_start, report.period_end))
    return {
        "title": report.title,
        "organization": report.organization.name,
        "headline": report.headline,
        "span": f"{start:%A, %-d %B %Y, %H:%M} to {end:%A, %-d %B %Y, %H:%M}, {content['time_zone']}",
        "objectives": [_objective(one) for one in content["objectives"]],
        "parts": [part for part in _parts(content) if part["lines"]],
        "kpis": [
            {"label": one["label"], "shown": one["shown"], "before": one["before_shown"]}
            for one in content["kpis"]["shown"]
        ],
    }


def _objective(one: Told) -> Told:
    left = one["standing"]["remaining_percentage"] if one["standing"] else None
    total = one["total_events_count"]
    return {
        "name": one["name"],
        "promise": one["promise"],
        "result": verdict(one["met"])[1],
        "good": percentage(one["achieved_percentage"]),
        "bad": f"{one['bad_events_count']:,g} of {total:,}" if total else "none",
        "left": left,
        "left_shown": percentage(left) if one["standing"] else "not known",
    }


def _parts(content: Told) -> Iterable[Told]:
    """Lists of sentences, each with a title."""
    alerts, objectives = content["alerts"], content["objectives"]
    sums = (
        f"{counted(alerts[name], 'alert')} {name.replace('_', ' ')}" for name in ("opened", "resolved", "still_open")
    )
    yield _part(
        "What needs a look",
        ((f"{one['name']}: {one['what']} {one['why']}", one["next_step"]) for one in content["findings"]),
    )
    changed = content.get("regressions", [])
    yield _part("What changed", ((f"{one['name']}: {one['what']} {one['why']}", one["next_step"]) for one in changed))
    ahead = ((one["name"], one.get("forecast")) for one in objectives)
    yield _part("Where the budgets go", ((f"{name}: {found['said']}", "") for name, found in ahead if found))
    capacity = content.get("capacity") if not content["filters"] else None
    yield _part("The backlog", [(capacity["said"], "")] if capacity else [])
    listed = ((f"{one['severity'].capitalize()}: {one['title']}", "") for one in alerts["listed"])
    yield _part("Alerts", [(f"{', '.join(sums)}.", ""), *listed])
    yield _part("Incidents", ((one["title"], "") for one in content["incidents"]))
    yield _part("Changes of what is promised", ((f"{one['name']}: {one['what']}", "") for one in content["changes"]))


def _part(title: str, lines: Iterable[tuple[str, str]]) -> Told:
    return {"title": title, "lines": [{"text": text, "strong": strong} for text, strong in lines]}
