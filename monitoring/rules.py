"""Prometheus rules for the objectives, as its own calculation beside ours: from the counters of events alone.

Ratios of bad events over every look-back that a burn-rate rule has, recorded for all objectives at once, and one alert
for each rule. They lack the portal's guards against chance, freezing and escalation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kpis.periods import LOOK_BACKS, look_back_name
from monitoring.exposition import ESCAPED, number
from slos.burn import BurnRule
from slos.models import SLODefinition
from slos.windows import compliance_window, length_of

EVENTS = "ap_intake_slo_events_total"
BY = "organization, slo_name"
Group = dict[str, object]


def groups(slos: Sequence[SLODefinition], rules: Mapping[UUID, Sequence[BurnRule]]) -> list[Group]:
    """For a file of rules: those of all look-backs, and of each objective. `rules` by objective."""
    lengths = {length for each in rules.values() for rule in each for length in (rule.long, rule.short)}
    recorded = [record(length) for length in sorted(lengths | set(LOOK_BACKS.values()))]
    found: list[Group] = [{"name": "slo-portal-error-ratios", "interval": "30s", "rules": recorded}]
    return found + [
        {"name": f"slo {slo.organization.slug} {slo.pk}", "rules": list(alerts(slo, rules[slo.pk]))} for slo in slos
    ]


def rules_of(slo: SLODefinition, now: datetime) -> Sequence[BurnRule]:
    window = compliance_window(slo, now, slo.organization)
    return slo.rules(slo.budget, length_of(slo, window))


def name_of(length: timedelta) -> str:
    return f"organization_slo:ap_intake_slo_error:ratio_increase{look_back_name(length)}"


def record(length: timedelta) -> Group:
    bad, every = (
        f"sum by ({BY}) (increase({EVENTS}{which}[{look_back_name(length)}]))" for which in ('{outcome="bad"}', "")
    )
    return {"record": name_of(length), "expr": f"{bad} / ({every} > 0)"}


def alerts(slo: SLODefinition, rules: Iterable[BurnRule]) -> Iterator[Group]:
    labels = {"organization": slo.organization.slug, "slo_name": slo.name}
    which = ",".join(f'{name}="{word.translate(ESCAPED)}"' for name, word in labels.items())
    for rule in rules:
        limit = number(rule.threshold * slo.budget)
        long, short = (f"{name_of(length)}{{{which}}} > {limit}" for length in (rule.long, rule.short))
        over = look_back_name(rule.long)
        yield {
            "alert": "SLOBurnRate",
            "expr": f"{long} and {short}",
            "labels": {"severity": rule.severity, "look_back": over, "slo_id": str(slo.pk)},
            "annotations": {
                "summary": "{{ $labels.slo_name }} spends its error budget too fast",
                "description": f"Over {over} it burns more than {number(rule.threshold)} times as fast as it may.",
            },
        }
