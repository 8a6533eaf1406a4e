"""The section `escalation_policies`: who is told of alerts of a severity, step by step."""

from collections.abc import Iterable
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from msgspec import Meta

from accounts.models import Organization
from alerts.models import EscalationPolicy, EscalationStep
from slo_portal.config.entries import Entry, Place, Section, Wrong, names
from slo_portal.config.notifying import people
from slo_portal.config.shapes import Shape, of_field

TOLD = ("operations", "owner", "email", "slack", "everybody")  # of a step, to_... in the model
LISTS = {"channels": "channels", "on_call": "rotas"}  # of a step: the section that it names entries of


def _list(description: str) -> Any:
    return Annotated[list[str], Meta(description=description)]


def _of(model: Any, name: str) -> Any:
    return of_field(model._meta.get_field(name))


STEP = Shape(
    "EscalationStep",
    {
        "delay_minutes": _of(EscalationStep, "delay_minutes"),
        **{name: _of(EscalationStep, f"to_{name}") for name in TOLD},
        "channels": _list("And these channels, by their names."),
        "on_call": _list("And whoever is on call in these rotas, by their names."),
        "people": _list("And these people, by their user names."),
    },
    frozenset(),
    {"delay_minutes": 0, **dict.fromkeys(TOLD, False), "channels": [], "on_call": [], "people": []},
)


class EscalationPolicies(Section):
    name = "escalation_policies"
    word = "escalation policy"
    shape = Shape(
        "EscalationPolicy",
        {
            "name": _of(EscalationPolicy, "name"),
            "severity": _of(EscalationPolicy, "severity"),
            "slos": _list("Names of objectives: only for these; empty: for all others."),
            "repeat_minutes": _of(EscalationPolicy, "repeat_minutes"),
            "steps": STEP,
        },
        frozenset({"name", "severity"}),
        {"slos": [], "repeat_minutes": None, "steps": []},
    )

    def check(self, entry: Entry) -> Wrong:
        if not entry.get("steps"):
            return {"steps": "Name at least one step: without any nobody is told, and the policy is passed over."}
        return {}

    def rows(self, organization: Organization) -> dict[str, Any]:
        inside = ("slos", "steps__channels", "steps__on_call", "steps__people")
        return {row.name: row for row in organization.escalation_policies.prefetch_related(*inside)}

    def entry(self, row: EscalationPolicy) -> Entry:
        plain = {name: getattr(row, name) for name in ("name", "severity")}
        steps = [_step(one) for one in row.steps.all()]
        slos = names(slo for slo in row.slos.all() if slo.archived_at is None)
        return {**plain, "slos": slos, "repeat_minutes": row.repeat_minutes, "steps": steps}

    def short(self, full: Entry) -> Entry:
        steps = [{key: value for key, value in one.items() if STEP.defaults[key] != value} for one in full["steps"]]
        return super().short({**full, "steps": steps})

    def complete(self, given: Entry, row: EscalationPolicy | None, place: Place) -> Entry:
        wanted = {"name": given["name"], **self.shape.defaults, **given}
        archived = set(place.organization.slos.archived().values_list("name", flat=True))
        wanted["slos"] = [name for name in _known("slos", "slos", wanted["slos"], place) if name not in archived]
        wanted["steps"] = [self._completed(step, place) for step in wanted["steps"]]
        return {key: wanted[key] for key in self.shape.keys}

    def _completed(self, given: Entry, place: Place) -> Entry:
        step = {**STEP.defaults, **given}
        for key, section in LISTS.items():
            step[key] = _known("steps", section, step[key], place)
        people(step["people"], place, "steps")
        return {**step, "people": sorted(set(step["people"]))}

    def write(self, wanted: Entry, row: EscalationPolicy | None, place: Place) -> EscalationPolicy:
        organization = place.organization
        policy = row or EscalationPolicy(organization=organization)
        policy.name, policy.severity = wanted["name"], wanted["severity"]
        policy.repeat_minutes = wanted["repeat_minutes"]
        policy.full_clean()
        policy.save()
        kept = policy.slos.filter(archived_at__isnull=False)  # should one be restored, its alerts go where they went
        policy.slos.set([*organization.slos.filter(name__in=wanted["slos"]), *kept])
        policy.steps.all().delete()
        for position, step in enumerate(wanted["steps"], 1):
            _write_step(policy, position, step, place)
        return policy

    def prune(self, row: EscalationPolicy) -> str:
        return "deleted"


def _write_step(policy: EscalationPolicy, position: int, step: Entry, place: Place) -> None:
    told = {f"to_{name}": step[name] for name in TOLD}
    row = EscalationStep(policy=policy, position=position, delay_minutes=step["delay_minutes"], **told)
    row.full_clean()
    row.save()
    row.channels.set(place.organization.channels.filter(name__in=step["channels"]))
    row.on_call.set(place.organization.rotas.filter(name__in=step["on_call"]))
    row.people.set(people(step["people"], place, "steps").values())


def _step(row: EscalationStep) -> Entry:
    told = {name: getattr(row, f"to_{name}") for name in TOLD}
    lists = {"channels": names(row.channels.all()), "on_call": names(row.on_call.all())}
    who = sorted(user.get_username() for user in row.people.all())
    return {"delay_minutes": row.delay_minutes, **told, **lists, "people": who}


def _known(key: str, section: str, wanted: Iterable[str], place: Place) -> list[str]:
    """Names of what is in the file or in the organisation. Raises ValidationError for others."""
    rows: Any = getattr(place.organization, section)
    there = {*place.named(section), *rows.filter(name__in=list(wanted)).values_list("name", flat=True)}
    if missing := sorted(set(wanted) - there):
        text = f"There is no {', '.join(missing)} under `{section}`, and none in {place.organization.slug}."
        raise ValidationError({key: text})
    return sorted(set(wanted))
