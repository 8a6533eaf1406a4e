"""Objectives as documents of OpenSLO v1: what it has no word for stands in annotations, so that nothing is lost."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from slos import catalogue
from slos.models import BurnPolicy, SLIType, SLOAlertType, SLODefinition, Window
from slos.openslo import strict
from slos.windows import compliance_window

PREFIX = "slo-portal/"  # of our annotations
SOURCE = "slo-portal"  # the type of our metrics
LONGEST_NAME, LONGEST_TEXT = 63, 1050
CALENDAR = {Window.WEEK: "1w", Window.MONTH: "1M", Window.QUARTER: "1Q"}
BEGUN = datetime(2024, 1, 1, 12, tzinfo=UTC)  # a Monday, and the first day of a month and a quarter
LEVELS = {"warning": "burn_rate_warning", "critical": "burn_rate_alert"}  # severity: ..._threshold and ..._hours
OPERATIONS = "operations"  # the target where an objective names no channels
IN_DOCUMENT = {
    "name", "description", "sli_type", "target_percentage", "target_value", "target_unit", "window",
    "notification_channels", "only",
}  # fmt: skip


class NotStrict(ValueError):
    """What was written is no OpenSLO: a fault of the portal."""


def as_text(slos: Iterable[SLODefinition]) -> str:
    """A YAML document for each, in the order of their names; the same text for the same objectives."""
    taken: set[str] = set()
    documents = [_document(slo, taken) for slo in sorted(slos, key=lambda slo: slo.name)]
    for document in documents:
        if found := strict.wrong(document):
            raise NotStrict(f"{document['metadata']['displayName']}: {found}")
    return "".join(f"---\n{catalogue.dump(document)}" for document in documents)


def _document(slo: SLODefinition, taken: set[str]) -> dict[str, Any]:
    entry = catalogue.entry(slo)
    return {
        "apiVersion": strict.API,
        "kind": "SLO",
        "metadata": {
            "name": _unique(slug(slo.name), taken),
            "displayName": slo.name,
            "annotations": {f"{PREFIX}{key}": json.dumps(value, default=str) for key, value in _extras(slo, entry)},
        },
        "spec": {
            **({"description": slo.description[:LONGEST_TEXT]} if slo.description else {}),
            "service": slug(slo.organization.slug),
            "indicator": _indicator(slo, entry),
            "timeWindow": [_window(slo)],
            "budgetingMethod": "Occurrences",
            "objectives": [{"targetPercent": entry["target_percentage"]}],
            "alertPolicies": list(_policies(slo)),
        },
    }


def _extras(slo: SLODefinition, entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What OpenSLO has no word for, and is not as usual."""
    said = set(IN_DOCUMENT)
    if slo.burn_policy == BurnPolicy.DEFAULT:
        said |= {f"{fields}_{part}" for fields in LEVELS.values() for part in ("threshold", "hours")}
    if slo.window == Window.ROLLING:
        said.add("window_days")
    if len(slo.description) > LONGEST_TEXT:
        said.discard("description")
    for key, value in catalogue.short(entry).items():
        if key not in said:
            yield key, value


def _indicator(slo: SLODefinition, entry: dict[str, Any]) -> dict[str, Any]:
    counted = {"sli_type": slo.sli_type, "target_value": entry["target_value"], "target_unit": slo.target_unit}
    counted |= {"only": dict(sorted(slo.only.items()))} if slo.only else {}
    good, total = (
        {"metricSource": {"type": SOURCE, "spec": {**counted, "events": events}}} for events in ("good", "total")
    )
    return {
        "metadata": {"name": slug(slo.sli_type), "displayName": SLIType(slo.sli_type).label},
        "spec": {"ratioMetric": {"counter": True, "good": good, "total": total}},
    }


def _window(slo: SLODefinition) -> dict[str, Any]:
    if slo.window == Window.ROLLING:
        return {"duration": f"{slo.window_days}d", "isRolling": True}
    zone = slo.organization.time_zone
    begun, _ = compliance_window(slo, BEGUN, slo.organization)
    calendar = {"startTime": f"{begun.astimezone(zone):%Y-%m-%d} 00:00:00", "timeZone": str(zone)}
    return {"duration": CALENDAR[Window(slo.window)], "isRolling": False, "calendar": calendar}


def _policies(slo: SLODefinition) -> Iterator[dict[str, Any]]:
    """One for each burn-rate threshold; those of the `sre` policy follow from the target, and are told in words."""
    if slo.burn_policy != BurnPolicy.DEFAULT:
        return
    for severity, fields in LEVELS.items():
        hours, threshold = getattr(slo, f"{fields}_hours"), catalogue.plain(getattr(slo, f"{fields}_threshold"))
        condition = {
            "kind": "burnrate",
            "op": "gt",
            "threshold": threshold,
            "lookbackWindow": f"{hours}h",
            "alertAfter": "0m",
        }
        name = fields.replace("_", "-")
        yield {
            "kind": "AlertPolicy",
            "metadata": {"name": name},
            "spec": {
                "alertWhenNoData": False,
                "alertWhenResolved": True,
                "alertWhenBreaching": SLOAlertType.BURN_RATE_WARNING not in slo.alert_types_off,
                "conditions": [
                    {
                        "kind": "AlertCondition",
                        "metadata": {"name": f"{name}-{hours}h"},
                        "spec": {"severity": severity, "condition": condition},
                    }
                ],
                "notificationTargets": list(_targets(slo)),
            },
        }


def _targets(slo: SLODefinition) -> Iterator[dict[str, Any]]:
    taken: set[str] = set()
    for channel in slo.notification_channels:
        yield _target(_unique(slug(channel), taken), "channel", channel)
    if not slo.notification_channels:
        yield _target(OPERATIONS, OPERATIONS, "Operations team")


def _target(name: str, kind: str, shown: str) -> dict[str, Any]:
    metadata = {"name": name, "displayName": shown}
    return {"kind": "AlertNotificationTarget", "metadata": metadata, "spec": {"target": kind}}


def slug(text: str) -> str:
    """A name as OpenSLO wants it."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[: LONGEST_NAME - 6].strip("-") or "unnamed"


def _unique(name: str, taken: set[str]) -> str:
    tries = (name if number == 1 else f"{name}-{number}" for number in count(1))
    found = next(one for one in tries if one not in taken)
    taken.add(found)
    return found
