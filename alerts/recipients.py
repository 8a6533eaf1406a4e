"""Whom to tell: a step of an escalation policy as addresses in channels.

Only members of the organisation are people here. What is switched off, dead or refused is left out; when that leaves
nobody, the operations team hears, else whoever a working channel reaches, else the admins.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Prefetch

from accounts.models import Membership, Organization, User
from alerts.escalation import DEFAULTS, Plan, Step
from alerts.kinds import Severity
from alerts.models import Channel, EscalationPolicy, EscalationStep, Rota, RotaOverride
from alerts.outbox import Target
from slos.models import SLODefinition

Kind = Channel.Kind


@dataclass(frozen=True)
class People:
    """The members of an organisation."""

    by_id: Mapping[UUID, User]
    by_word: Mapping[str, User]  # by user name and e-mail address, in lower case
    admins: tuple[User, ...]

    @classmethod
    def load(cls, organization: Organization) -> "People":
        rows = list(organization.memberships.select_related("user").order_by("user__username"))
        users = [row.user for row in rows]
        words = {user.username.lower(): user for user in users}
        words |= {user.email.lower(): user for user in users if user.email}
        admins = tuple(row.user for row in rows if row.role == Membership.Role.ADMIN)
        return cls({user.pk: user for user in users}, words, admins)


@dataclass(frozen=True)
class Directory:
    """All that is needed to find the targets of an organisation's alerts at one moment. Asks the database no more."""

    channels: tuple[Channel, ...]  # that work, those of the operations team first
    people: People
    in_turn: Mapping[UUID, list[UUID]]  # by rota: who is on call, then who follows
    general: Mapping[str, Plan]  # by severity
    own: Mapping[tuple[str, UUID], Plan]  # by severity and objective

    @classmethod
    def load(cls, organization: Organization, *, now: datetime) -> "Directory":
        """In the same number of queries however many channels, policies and people there are."""
        channels = organization.channels.filter(is_active=True, off_at=None).order_by("-for_operations", "name")
        general, own = _plans(organization)
        return cls(
            tuple(channel for channel in channels if _switched_on(channel)),
            People.load(organization),
            in_turn(organization, now=now),
            general,
            own,
        )

    def targets(
        self, severity: str, slo: SLODefinition | None, step: int, *, avoid: Channel | None = None
    ) -> list[Target]:
        """Who is told at a step (from 1), each once; an empty list only when there is no way to tell anybody."""
        usable = self._without(avoid)
        asked = _each_once(self._asked(self._plan(severity, slo).step(step), slo, usable))
        return asked or self._somebody(usable)

    def delay(self, severity: str, slo: SLODefinition | None, step: int) -> timedelta | None:
        """From taking a step to the next one, after the last until it is repeated; None: nothing follows."""
        return self._plan(severity, slo).delay(step)

    def steps(self, severity: str, slo: SLODefinition | None) -> int:
        return len(self._plan(severity, slo).steps)

    def fallback(self, avoid: Channel) -> list[Target]:
        """Who hears of what a dead channel could not deliver."""
        return self._somebody(self._without(avoid))

    def _plan(self, severity: str, slo: SLODefinition | None) -> Plan:
        found = slo and self.own.get((severity, slo.pk))
        return found or self.general.get(severity) or DEFAULTS[Severity(severity)]

    def _without(self, avoid: Channel | None) -> list[Channel]:
        return [channel for channel in self.channels if avoid is None or channel.pk != avoid.pk]

    def _asked(self, step: Step, slo: SLODefinition | None, usable: list[Channel]) -> Iterator[Target]:
        own = {slo.slos_owner.strip(), *slo.notification_channels} if slo and step.owner else set()
        for channel in usable:
            if _asks(step, channel) or channel.name in own:
                yield from _readers(channel)
        for rota in self.in_turn if step.on_call else step.rotas:
            yield from self._on_call(rota, usable)
        for pk in step.people:
            yield from self._mail_to(self.people.by_id.get(pk), usable)
        if slo and step.owner:
            yield from self._owner(slo.slos_owner.strip(), usable)

    def _owner(self, owner: str, usable: list[Channel]) -> Iterator[Target]:
        """An owner is a member or an e-mail address; the name of a team is nobody's."""
        if owner.lower() in self.people.by_word:
            yield from self._mail_to(self.people.by_word[owner.lower()], usable)
        elif _is_address(owner):
            yield from _through(Kind.EMAIL, owner, usable)

    def _on_call(self, rota: UUID, usable: list[Channel]) -> list[Target]:
        """Who is on call, by SMS if possible; the next in turn when they cannot be reached at all."""
        turns = (self.people.by_id.get(pk) for pk in self.in_turn.get(rota, []))
        ways = (list(_text_to(user, usable)) or list(self._mail_to(user, usable)) for user in turns)
        return next(filter(None, ways), [])

    def _mail_to(self, user: User | None, usable: list[Channel]) -> Iterator[Target]:
        if user and user.is_active and user.email:
            yield from _through(Kind.EMAIL, user.email, usable)

    def _somebody(self, usable: list[Channel]) -> list[Target]:
        operations = [channel for channel in usable if channel.for_operations]
        readers = (list(_readers(channel)) for channel in usable)
        return (
            _each_once(target for channel in operations for target in _readers(channel))
            or next(filter(None, readers), [])
            or _each_once(target for admin in self.people.admins for target in self._mail_to(admin, usable))
        )


def answerable(organization: Organization, slo: SLODefinition | None, *, now: datetime) -> User | None:
    """The member who owns the objective, else who is on call."""
    people = People.load(organization)
    owner = people.by_word.get(slo.slos_owner.strip().lower()) if slo else None
    on_call = [people.by_id.get(pk) for turns in in_turn(organization, now=now).values() for pk in turns]
    return next((user for user in (owner, *on_call) if user and user.is_active), None)


def operations_by_mail(organization: Organization) -> list[Target]:
    """The operations team's addresses; none while e-mail is switched off."""
    channels = organization.channels.filter(kind=Kind.EMAIL, for_operations=True, is_active=True, off_at=None)
    return _each_once(target for one in channels.order_by("name") if _switched_on(one) for target in _readers(one))


def in_turn(organization: Organization, *, now: datetime) -> dict[UUID, list[UUID]]:
    """Of each rota who is on call, followed by who is asked when they cannot be reached."""
    still = Prefetch("overrides", RotaOverride.objects.filter(end__gt=now))
    rotas = Rota.objects.filter(organization=organization).prefetch_related("members", still)
    return {rota.pk: rota.schedule(organization.time_zone).in_turn(now) for rota in rotas}


def _plans(organization: Organization) -> tuple[dict[str, Plan], dict[tuple[str, UUID], Plan]]:
    """The policies: general ones by severity, those of single objectives by severity and objective. The first by name
    counts; one without steps tells nobody and is passed over."""
    general: dict[str, Plan] = {}
    own: dict[tuple[str, UUID], Plan] = {}
    wanted = ("slos", "steps__channels", "steps__on_call", "steps__people")
    for policy in organization.escalation_policies.order_by("name").prefetch_related(*wanted):
        steps = tuple(_step(row) for row in policy.steps.all())
        if not steps:
            continue
        plan = Plan(steps, _repeat(policy))
        slos = policy.slos.all()
        for slo in slos:
            own.setdefault((policy.severity, slo.pk), plan)
        if not slos:
            general.setdefault(policy.severity, plan)
    return general, own


def _repeat(policy: EscalationPolicy) -> timedelta | None:
    return timedelta(minutes=policy.repeat_minutes) if policy.repeat_minutes else None


def _step(row: EscalationStep) -> Step:
    return Step(
        timedelta(minutes=row.delay_minutes),
        operations=row.to_operations,
        owner=row.to_owner,
        email=row.to_email,
        slack=row.to_slack,
        everybody=row.to_everybody,
        channels=frozenset(channel.pk for channel in row.channels.all()),
        rotas=tuple(rota.pk for rota in row.on_call.all()),
        people=tuple(user.pk for user in row.people.all()),
    )


def _switched_on(channel: Channel) -> bool:
    """Whether the environment allows the kind."""
    switches = {
        Kind.EMAIL: settings.ALERT_EMAIL_ENABLED,
        Kind.SLACK: settings.ALERT_SLACK_ENABLED,
        Kind.SMS: settings.ALERT_SMS_ENABLED,
    }
    return switches.get(Kind(channel.kind), True)


def _asks(step: Step, channel: Channel) -> bool:
    return (
        step.everybody
        or (step.operations and channel.for_operations)
        or (step.email and channel.kind == Kind.EMAIL)
        or (step.slack and channel.kind == Kind.SLACK)
        or channel.pk in step.channels
    )


def _readers(channel: Channel) -> Iterator[Target]:
    """Everybody whom a channel reaches by itself."""
    addresses = channel.targets if channel.kind in (Kind.EMAIL, Kind.SMS) else [""]
    yield from (Target(channel, address) for address in addresses if address not in channel.refused)


def _text_to(user: User | None, usable: list[Channel]) -> Iterator[Target]:
    if user and user.is_active and user.phone:
        yield from _through(Kind.SMS, user.phone, usable)


def _through(kind: str, address: str, usable: list[Channel]) -> Iterator[Target]:
    """By the first channel of a kind that has not refused the address."""
    ways = (Target(channel, address) for channel in usable if channel.kind == kind and address not in channel.refused)
    yield from [way for way in (next(ways, None),) if way]


def _each_once(targets: Iterable[Target]) -> list[Target]:
    """A person with an address in several channels hears once."""
    found: dict[str | UUID, Target] = {}
    for target in targets:
        found.setdefault(target.address.lower() or target.channel.pk, target)
    return list(found.values())


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
