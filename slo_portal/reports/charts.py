"""The charts of a report's mail, as pictures: mail programs drop drawings that are part of the HTML."""

import json
import logging
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.when_needed import when_needed
from kpis.words import percentage
from slo_portal.reports.models import Report
from slo_portal.reports.periods import INSTANT

SOURCE = settings.BASE_DIR / "templates" / "reports" / "charts.typ"
MOST = 20  # objectives in a picture; the page has all
WIDTH, PPI = 453, 192  # pixels of a style sheet, of which each is two in the picture
LOWEST = -100.0  # a budget that is further overspent is drawn as that
logger = logging.getLogger(__name__)
Told = dict[str, Any]


class Chart(NamedTuple):
    """A picture of `width` pixels as an address of its own, and what it says."""

    source: str
    alt: str
    width: int = WIDTH


def of(report: Report) -> list[Chart]:
    """Of what is stored. A drawing that fails costs the picture, never the mail."""
    told = [chart for chart in (_left(report), _course(report)) if chart["rows"]]
    if not told:
        return []
    try:
        return [Chart(_address(png), chart["alt"]) for chart, png in zip(told, _draw(told), strict=True)]
    except Exception:
        logger.exception("The charts of a report could not be drawn; it is mailed without them.")
        return []


def _draw(told: list[Told]) -> Sequence[bytes]:
    typst = when_needed("typst")
    found = typst.compile(str(SOURCE), format="png", ppi=PPI, sys_inputs={"told": json.dumps({"charts": told})})
    return [found] if isinstance(found, bytes) else found


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _left(report: Report) -> Told:
    """What was left of each budget at the end, the least first."""
    known = [
        (one["standing"]["remaining_percentage"], one["name"])
        for one in report.content["objectives"]
        if one["standing"] and one["standing"]["remaining_percentage"] is not None
    ]
    rows = [{"name": name, "left": left, "shown": percentage(left)} for left, name in sorted(known)[:MOST]]
    title = "Error budget left at the end, the least first"
    return {"kind": "bars", "title": title, "rows": rows, "alt": _alt(title, rows)}


def _course(report: Report) -> Told:
    """How what is left went, where there is more than one moment of it."""
    budgets, zone = report.content["budgets"], report.organization.time_zone
    moments = [_day(at, zone) for at in budgets["moments"]]
    known = [one for one in budgets["rows"] if sum(left is not None for left in one["left"]) > 1]
    rows = [{"name": one["name"], "left": one["left"], "shown": _moved(one["left"])} for one in known[:MOST]]
    values = [left for row in rows for left in row["left"] if left is not None]
    bottom = max(LOWEST, min([0.0, *values]))
    title = f"Error budget left, {moments[0]} to {moments[-1]}" if moments else ""
    note = f"The top of each is all of it, the dashed line none; the bottom is {percentage(bottom)}."
    return {"kind": "lines", "title": title, "rows": rows, "bottom": bottom, "note": note, "alt": _alt(title, rows)}


def _day(at: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone) - INSTANT:%-d %b}"


def _moved(left: Sequence[float | None]) -> str:
    known = [one for one in left if one is not None]
    return f"from {percentage(known[0])} to {percentage(known[-1])}"


def _alt(title: str, rows: Iterable[Told]) -> str:
    return f"{title}: {'; '.join(one['name'] + ' ' + one['shown'] for one in rows)}."
