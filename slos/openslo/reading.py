"""Documents of OpenSLO v1 as entries of `slo-rules.yml`. What cannot be kept is named in a warning."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kpis.importers.located import Located, Malformed, load_all
from slos import catalogue
from slos.models import TIMED, SLIType, Window
from slos.openslo import strict
from slos.openslo.writing import LEVELS, OPERATIONS, PREFIX

LONGEST = 2_000_000  # characters
MOST_DAYS = 90
KINDS = {"SLO", "SLI", "Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"}
APIS = {strict.API, "openslo.com/v1"}
HOURS = {"m": 1 / 60, "h": 1, "d": 24, "w": 168, "M": 720, "Q": 2160, "Y": 8760}
CALENDAR = {"1w": Window.WEEK, "7d": Window.WEEK, "1M": Window.MONTH, "1Q": Window.QUARTER, "3M": Window.QUARTER}
CRITICAL = re.compile(r"page|crit|high|urgent|sev-?[01]|p[01]\b", re.IGNORECASE)
KNOWN = {
    "metadata": {"name", "displayName", "annotations"},
    "spec": {
        "description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives",
        "alertPolicies",
    },
}  # fmt: skip


class Remark(NamedTuple):
    """Something that is not as it should be, of the objective `name` where there is one."""

    line: int
    name: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}{f', {self.name}' if self.name else ''}: {self.message}"


@dataclass
class Found:
    """Entries for `slos`, each with the line of its document; what is remarkable, and what was refused."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)  # names of those that the portal has not written
    warnings: list[Remark] = field(default_factory=list)
    refused: list[Remark] = field(default_factory=list)


def read(text: str) -> Found:
    """Never fails: a text that is no YAML is refused as a whole."""
    found = Found()
    try:
        documents = [one for located in load_all(text, LONGEST) for one in _objects(located)]
    except Malformed as error:
        at = re.match(r"line (\d+): ", str(error))
        said = str(error).removeprefix(at[0]) if at else str(error)
        found.refused.append(Remark(int(at[1]) if at else 1, "", said))
        return found
    known = {(_text(_map(one), "kind"), _name(_map(one))): _map(one) for _, one in documents}
    for line, one in documents:
        kind = _text(_map(one), "kind")
        if kind == "SLO":
            _Reader(found, line, _map(one), known).read()
        elif kind not in KINDS:
            found.warnings.append(
                Remark(line, "", f"{kind or 'What has no `kind`'} is left out: no object of OpenSLO.")
            )
    return found


def _objects(located: Located) -> Iterator[tuple[int, Any]]:
    """A document is one object, or a list of them."""
    if not isinstance(located.value, list):
        yield located.first_line, located.value
        return
    yield from ((located.line((index,)), one) for index, one in enumerate(located.value))


class Unusable(ValueError):
    """This objective cannot be read; the message says why, and the way out."""


@dataclass
class _Reader:
    found: Found
    line: int
    document: Mapping[str, Any]
    known: Mapping[tuple[str, str], Mapping[str, Any]]

    @property
    def name(self) -> str:
        return _text(_map(self.document.get("metadata")), "displayName") or _name(self.document)

    def warn(self, message: str) -> None:
        self.found.warnings.append(Remark(self.line, self.name, message))

    def read(self) -> None:
        try:
            entry = self.entry()
        except Unusable as error:
            self.found.refused.append(Remark(self.line, self.name, str(error)))
            return
        if entry["name"] in self.found.lines:
            self.found.refused.append(Remark(self.line, self.name, "An objective before has this name already."))
            return
        if broken := strict.wrong(self.document):
            self.warn(f"It is not strictly OpenSLO v1, and read as far as it can be: {broken}.")
        self.found.lines[entry["name"]] = self.line
        if not dict(self.annotations()):
            self.found.foreign.add(entry["name"])
        self.found.entries.append(entry)

    def entry(self) -> dict[str, Any]:
        if not self.name:
            raise Unusable("It has no name: write one in `metadata.name`.")
        if self.document.get("apiVersion") not in APIS:
            self.warn(f"It is of {self.document.get('apiVersion')!r:.40}, and read as {strict.API}.")
        spec = _map(self.document.get("spec"))
        self.left_out(spec)
        entry: dict[str, Any] = {"name": self.name, "measurement_periods": ["daily"]}
        if isinstance(spec.get("description"), str):
            entry["description"] = spec["description"]
        own = dict(self.annotations())
        entry |= self.indicator(spec, own)
        entry["target_percentage"] = self.target(spec)
        entry |= self.window(spec)
        if spec.get("budgetingMethod", "Occurrences") != "Occurrences":
            self.warn(f"{spec['budgetingMethod']!r:.40} is counted by occurrences here, event by event.")
        entry |= self.alerting(spec)
        return self.fitting({**entry, **own})

    def left_out(self, spec: Mapping[str, Any]) -> None:
        metadata = _map(self.document.get("metadata"))
        others = [f"metadata.{key}" for key in metadata if key not in KNOWN["metadata"]]
        others += [f"spec.{key}" for key in spec if key not in KNOWN["spec"]]
        others += [f"annotation {key}" for key in _map(metadata.get("annotations")) if not str(key).startswith(PREFIX)]
        if others:
            self.warn(f"Left out: {', '.join(others)}.")

    def annotations(self) -> Iterator[tuple[str, Any]]:
        known = catalogue.fields()
        for key, value in _map(_map(self.document.get("metadata")).get("annotations")).items():
            name = str(key).removeprefix(PREFIX)
            if str(key).startswith(PREFIX) and name in known:
                try:
                    yield name, json.loads(value)
                except (TypeError, ValueError, RecursionError):
                    yield name, value  # written by hand, without JSON's quotes
            elif str(key).startswith(PREFIX):
                self.warn(f"Left out: annotation {key}, which is no field of an objective.")

    def indicator(self, spec: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
        found = _map(spec.get("indicator")) or self.known.get(("SLI", str(spec.get("indicatorRef"))), {})
        ratio = _map(_map(found.get("spec")).get("ratioMetric"))
        counted = _map(_map(_map(ratio.get("total")).get("metricSource")).get("spec"))
        sli = own.get("sli_type", counted.get("sli_type"))
        if sli not in SLIType.values:
            raise Unusable(
                f"What it counts is not known here. Name one of {', '.join(SLIType.values)} in the annotation "
                f"{PREFIX}sli_type, and for a timed one {PREFIX}target_value and {PREFIX}target_unit."
            )
        return {
            "sli_type": sli,
            **{key: counted[key] for key in ("target_value", "target_unit", "only") if key in counted},
        }

    def target(self, spec: Mapping[str, Any]) -> float:
        goals = [_map(goal) for goal in _list(spec.get("objectives"))]
        if not goals:
            raise Unusable("It has no objective: write `objectives: [{targetPercent: 95}]`.")
        if len(goals) > 1:
            self.warn(f"Left out: {len(goals) - 1} more objectives; one has one target here.")
        percent, share = _number(goals[0].get("targetPercent")), _number(goals[0].get("target"))
        if percent is None and share is None:
            raise Unusable("Its objective has no target: write `targetPercent: 95`.")
        if percent is not None:
            return percent
        if share is not None and share >= 1:
            self.warn(f"A target of {share:g} is taken as percent; as a share it would be below 1.")
            return share
        return round(float(share or 0) * 100, 6)

    def window(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        given = spec.get("timeWindow")
        windows = [_map(one) for one in (_list(given) or [given])]
        duration = str(windows[0].get("duration", "30d"))
        if not windows[0] or "duration" not in windows[0]:
            return {}
        if windows[0].get("calendar") and duration in CALENDAR:
            return {"window": CALENDAR[duration].value}
        days = math.ceil(_hours(duration) / 24) if _hours(duration) else 30
        kept = min(days, MOST_DAYS)
        if windows[0].get("calendar") or not _hours(duration) or days != kept or not duration.endswith(("d", "w")):
            self.warn(f"Its window of {duration:.20} is taken as the last {kept} days.")
        return {"window_days": kept}

    def alerting(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        channels: list[str] = []
        for given in _list(spec.get("alertPolicies")):
            policy = self.part(given, "alertPolicyRef", "AlertPolicy")
            inside = _map(policy.get("spec"))
            for condition in _list(inside.get("conditions")):
                found |= self.condition(_map(self.part(condition, "conditionRef", "AlertCondition").get("spec")))
            for target in _list(inside.get("notificationTargets")):
                told = self.part(target, "targetRef", "AlertNotificationTarget")
                if told and _map(told.get("spec")).get("target") != OPERATIONS:
                    channels.append(_text(_map(told.get("metadata")), "displayName") or _name(told))
        return {**found, **({"notification_channels": list(dict.fromkeys(channels))} if channels else {})}

    def part(self, given: Any, ref: str, kind: str) -> Mapping[str, Any]:
        """What stands inline, or is referred to."""
        named = _map(given).get(ref, given if isinstance(given, str) else None)
        if named is None:
            return _map(given)
        found = self.known.get((kind, str(named)))
        if found is None:
            self.warn(f"Left out: the {kind} {named!r:.60}, which is not in the file.")
        return found or {}

    def condition(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        rule, severity = _map(spec.get("condition")), _text(spec, "severity")
        threshold, hours = _number(rule.get("threshold")), _hours(str(rule.get("lookbackWindow")))
        if rule.get("kind", "burnrate") != "burnrate" or threshold is None or not hours:
            self.warn("Left out: an alert condition that is no burn rate with a threshold and a lookbackWindow.")
            return {}
        if rule.get("op") in ("lt", "lte"):
            self.warn(f"Its alert condition says {rule['op']!r}; it is taken as above {threshold:g}.")
        if rule.get("alertAfter", "0m") != "0m":
            self.warn(
                f"Left out: alertAfter {rule['alertAfter']!r:.20}; the short look-back is a twelfth of the long one."
            )
        if hours != round(hours) or hours < 1:
            self.warn(f"Its lookbackWindow of {rule['lookbackWindow']!r:.20} is taken as {math.ceil(hours)} hours.")
        fields = LEVELS["critical" if CRITICAL.search(severity) else "warning"]
        return {f"{fields}_threshold": threshold, f"{fields}_hours": math.ceil(hours)}

    def fitting(self, entry: dict[str, Any]) -> dict[str, Any]:
        """A rate needs no limit; the order is that of the file."""
        if entry["sli_type"] not in TIMED:
            confidence = entry["sli_type"] == SLIType.EXTRACTION_ACCURACY
            entry.setdefault("target_unit", "confidence" if confidence else "percent")
            entry.setdefault("target_value", entry["target_percentage"] / (100 if confidence else 1))
        return {key: entry[key] for key in catalogue.fields() if key in entry}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _name(document: Mapping[str, Any]) -> str:
    return _text(_map(document.get("metadata")), "name")


def _number(value: Any) -> float | None:
    """Also one in quotes."""
    try:
        found = None if isinstance(value, bool) or value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if found is None or not math.isfinite(found):
        return None
    return int(found) if found == int(found) else found


def _hours(duration: str) -> float:
    """0 where it is no duration."""
    parts = re.fullmatch(r"([1-9]\d{0,4})([mhdwMQY])", duration, re.ASCII)
    return int(parts[1]) * HOURS[parts[2]] if parts else 0
