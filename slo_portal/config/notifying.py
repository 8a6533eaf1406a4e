"""The sections `channels` and `rotas`. A channel's secrets stand in the environment, the file names where."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from itertools import count
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from msgspec import Meta

from accounts.models import Organization, User
from alerts import channels, secrets, transports
from alerts.models import Channel, Rota, RotaMember
from slo_portal.config.entries import Entry, Place, Secret, Section, Wrong
from slo_portal.config.shapes import Shape, of_field

SECRETS = sorted({name for names in transports.FIELDS.values() for name in names})
IN_ENVIRONMENT = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"
FROM_ENVIRONMENT = Annotated[
    str, Meta(pattern=IN_ENVIRONMENT, description="A secret: the environment variable that holds it, as ${NAME}.")
]
DAYS = [day.name.lower() for day in Rota.Weekday]
CLOCK = Annotated[
    str,
    Meta(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Time of the hand-over, in the organisation's zone, in quotes: '09:00'.",
    ),
]


def _fields(model: Any, *names: str) -> dict[str, Any]:
    return {name: of_field(model._meta.get_field(name)) for name in names}


class Channels(Section):
    name = "channels"
    word = "channel"
    plain = ("name", "kind", "targets", "for_operations", "is_active")
    shape = Shape(
        "Channel",
        {**_fields(Channel, *plain), **dict.fromkeys(SECRETS, FROM_ENVIRONMENT)},
        frozenset({"name", "kind"}),
        {"targets": [], "for_operations": False, "is_active": True},
    )

    def check(self, entry: Entry) -> Wrong:
        """Without what the file leaves out: it may be there already."""
        channel, given = _told(Channel(), entry), _config(entry)
        found = channels.wrong(channel, given, {})
        return {name: " ".join(texts) for name, texts in found.items() if name == "targets" or name in given}

    def rows(self, organization: Organization) -> dict[str, Any]:
        return {row.name: row for row in organization.channels.all()}

    def entry(self, row: Channel) -> Entry:
        plain = {name: getattr(row, name) for name in self.plain}
        return {**plain, **{name: Secret(value) for name, value in _kept(row).items()}}

    def complete(self, given: Entry, row: Channel | None, place: Place) -> Entry:
        if row and given["kind"] != row.kind:
            raise ValidationError({"kind": f"It is of kind {row.kind} here, which stays so: give this another name."})
        wanted = {name: given.get(name, self.shape.defaults.get(name)) for name in self.plain}
        found = channels.wrong(_told(Channel(), wanted), _config(given), _kept(row) if row else {})
        if found:
            raise ValidationError(dict(found))
        return {**wanted, **{name: given[name] for name in SECRETS if name in given}}

    def write(self, wanted: Entry, row: Channel | None, place: Place) -> Channel:
        channel, kept = row or Channel(organization=place.organization), _kept(row) if row else {}
        anew = bool(row and ([*row.targets] != wanted["targets"] or _config(wanted).items() - kept.items()))
        _told(channel, wanted)
        config = channels.config(channel, _config(wanted), kept)
        if config != kept:
            channel.secret = secrets.seal(config)
        channel.full_clean()
        channel.save()
        if anew:
            channels.switch_on(channel)
        return channel

    def prune(self, row: Channel) -> str:
        """What was sent is a part of the record."""
        if not row.messages.exists() and not row.notifications.exists():
            return "deleted"
        return "switched off" if row.is_active else ""


def _told(channel: Channel, entry: Mapping[str, Any]) -> Channel:
    for name in Channels.plain:
        if name in entry:
            setattr(channel, name, entry[name])
    return channel


def _config(entry: Mapping[str, Any]) -> dict[str, str]:
    return {name: entry[name].value for name in SECRETS if isinstance(entry.get(name), Secret)}


def _kept(row: Channel) -> dict[str, str]:
    try:
        return secrets.reveal(row.secret)
    except secrets.Unreadable:
        return {}


def variables(organization: str, entries: Iterable[Entry]) -> dict[tuple[str, str], str]:
    """What the secrets of channels are called in an exported file, by channel and key."""
    found: dict[tuple[str, str], str] = {}
    for entry in entries:
        for key in SECRETS:
            if key in entry:
                name = re.sub(r"[^A-Z0-9]+", "_", f"{organization} {entry['name']} {key}".upper())
                tries = (name if number == 1 else f"{name}_{number}" for number in count(1))
                found[entry["name"], key] = next(one for one in tries if one not in found.values())
    return found


class Rotas(Section):
    name = "rotas"
    word = "rota"
    shape = Shape(
        "Rota",
        {
            **_fields(Rota, "name", "starts_on"),
            "handover_day": Literal[tuple(DAYS)],
            "handover_at": CLOCK,
            "members": Annotated[list[str], Meta(description="User names, in turn.")],
        },
        frozenset({"name"}),
        {"handover_day": DAYS[0], "handover_at": "09:00", "members": []},
    )

    def rows(self, organization: Organization) -> dict[str, Any]:
        return {row.name: row for row in organization.rotas.prefetch_related("members__user")}

    def entry(self, row: Rota) -> Entry:
        members = [member.user.get_username() for member in row.members.all()]
        return {
            "name": row.name,
            "starts_on": row.starts_on,
            "handover_day": DAYS[row.handover_day],
            "handover_at": f"{row.handover_at:%H:%M}",
            "members": members,
        }

    def complete(self, given: Entry, row: Rota | None, place: Place) -> Entry:
        start: date = row.starts_on if row else place.today
        wanted = {"name": given["name"], "starts_on": start, **self.shape.defaults, **given}
        people(wanted["members"], place, "members")
        return wanted

    def write(self, wanted: Entry, row: Rota | None, place: Place) -> Rota:
        rota = row or Rota(organization=place.organization)
        rota.name, rota.starts_on = wanted["name"], wanted["starts_on"]
        rota.handover_day = DAYS.index(wanted["handover_day"])
        rota.handover_at = time.fromisoformat(wanted["handover_at"])
        rota.full_clean()
        rota.save()
        rota.members.all().delete()
        users = people(wanted["members"], place, "members")
        RotaMember.objects.bulk_create(
            RotaMember(rota=rota, position=position, user=users[name])
            for position, name in enumerate(wanted["members"], 1)
        )
        return rota

    def prune(self, row: Rota) -> str:
        return "deleted"


def people(wanted: Iterable[str], place: Place, key: str) -> dict[str, User]:
    """Members of the organisation by their user names. Raises ValidationError for those who are none."""
    found = {user.get_username(): user for user in place.organization.users.filter(username__in=list(wanted))}
    if strangers := sorted(set(wanted) - found.keys()):
        text = f"No member of {place.organization.slug}: {', '.join(strangers)}. Invite them first, or leave them out."
        raise ValidationError({key: text})
    return found
