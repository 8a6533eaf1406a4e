"""What the form of an alert asks for, done by the verbs that the API, the admin and the command call, too."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts import access
from accounts.access import Access
from accounts.models import User
from alerts import inbox, incidents, lifecycle
from alerts.lifecycle import By, Conflict, Stale
from alerts.models import AlertEvent, ChecklistItem, SLOAlert

LONGEST_NOTE = 2_000
NUMBER = re.compile(r"[0-9]{1,9}")
MORNING = time(9)
READS_ONLY = "Your role reads. An operator, SLO editor or admin of the organisation may do this."


@dataclass(frozen=True)
class Answer:
    """What came of it: a status of HTTP, what to say, and what was typed if nothing was done."""

    status: int
    text: str
    note: str = ""
    again: str = ""  # the version of the alert with which the same may be tried again
    by: str = ""  # who was faster

    @property
    def done(self) -> bool:
        return self.status < 400

    @property
    def conflict(self) -> bool:
        return self.status == 409


@dataclass(frozen=True)
class Form:
    """What was sent for one alert."""

    alert: SLOAlert
    fields: Mapping[str, str]
    by: By
    now: datetime

    @property
    def note(self) -> str:
        return self.fields.get("note", "").strip()

    @property
    def version(self) -> int | None:
        given = self.fields.get("version", "")
        return int(given) if NUMBER.fullmatch(given) else None

    def acknowledge(self) -> str:
        return self._once(
            lifecycle.acknowledge(self.alert, by=self.by, now=self.now, note=self.note, version=self.version),
            "Acknowledged.",
        )

    def unacknowledge(self) -> str:
        return self._once(lifecycle.unacknowledge(self.alert, by=self.by, now=self.now), "Taken back.")

    def resolve(self) -> str:
        return self._once(
            lifecycle.resolve(self.alert, by=self.by, now=self.now, note=self.note, version=self.version), "Resolved."
        )

    def reopen(self) -> str:
        return self._once(lifecycle.reopen(self.alert, by=self.by, now=self.now, note=self.note), "Open again.")

    def snooze(self) -> str:
        given = self.fields.get("for", "")
        better = given == "better"
        until = None if better else _until(given, self.now)
        done = lifecycle.snooze(self.alert, by=self.by, now=self.now, until=until, until_better=better, note=self.note)
        return self._once(done, "Snoozed.")

    def unsnooze(self) -> str:
        return self._once(lifecycle.unsnooze(self.alert, by=self.by, now=self.now), "The snooze has ended.")

    def assign(self) -> str:
        name = self.fields.get("to", "")
        known = User.objects.filter(memberships__organization=self.alert.organization_id, is_active=True)
        to = known.filter(username=name).first() if "\0" not in name else None
        if name and to is None:
            raise ValidationError("Choose a member of the organisation.")
        done = lifecycle.assign(self.alert, by=self.by, now=self.now, to=to, note=self.note)
        return self._once(done, f"Assigned to {to}." if to else "Assigned to nobody.")

    def add_note(self) -> str:
        return self._once(lifecycle.note(self.alert, by=self.by, now=self.now, text=self.note), "Noted.")

    def take(self) -> str:
        incident = inbox.incident(self.alert)
        changed = incident is not None and incidents.take(incident, by=self.by, now=self.now)
        return self._once((self.alert, changed), "You have the incident.")

    def close(self) -> str:
        incident = inbox.incident(self.alert)
        changed = incident is not None and incidents.close(incident, by=self.by, now=self.now, note=self.note)
        return self._once((self.alert, changed), "The incident is closed.")

    def check(self) -> str:
        return self._tick(done=True)

    def uncheck(self) -> str:
        return self._tick(done=False)

    def _tick(self, *, done: bool) -> str:
        given = self.fields.get("item", "")
        items = ChecklistItem.objects.filter(incident__alert=self.alert).select_related("incident")
        item = items.filter(position=int(given)).first() if NUMBER.fullmatch(given) else None
        changed = item is not None and incidents.check(item, by=self.by, now=self.now, done=done)
        return self._once((self.alert, changed), "Done." if done else "Not done.")

    def _once(self, done: lifecycle.Done, text: str) -> str:
        return text if done[1] else "It was so already; nothing was changed."


ACTS: dict[str, Callable[[Form], str]] = {
    "acknowledge": Form.acknowledge, "unacknowledge": Form.unacknowledge, "resolve": Form.resolve,
    "reopen": Form.reopen, "snooze": Form.snooze, "unsnooze": Form.unsnooze, "assign": Form.assign,
    "note": Form.add_note, "take": Form.take, "close": Form.close, "check": Form.check, "uncheck": Form.uncheck,
}  # fmt: skip


def act(request: HttpRequest, who: Access, alert: SLOAlert, fields: Mapping[str, str], *, now: datetime) -> Answer:
    """Do the `act` that the fields of a form name."""
    form, name = Form(alert, fields, By(who.user, AlertEvent.Channel.WEB, request), now), fields.get("act", "")
    if not who.allows(access.WRITE):
        return Answer(403, READS_ONLY, form.note)
    if name not in ACTS:
        return Answer(422, "Choose what to do.", form.note)
    if len(form.note) > LONGEST_NOTE or "\0" in form.note:
        return Answer(422, f"A note may have up to {LONGEST_NOTE:,} characters. Shorten it.", form.note)
    try:
        return Answer(200, ACTS[name](form))
    except Conflict as conflict:
        again = str(conflict.alert.version) if isinstance(conflict, Stale) else ""
        return Answer(409, conflict.text, form.note, again, _faster(conflict.alert))
    except ValidationError as error:
        return Answer(422, " ".join(error.messages), form.note)
    except SLOAlert.DoesNotExist:  # cleaned away meanwhile
        raise Http404 from None


def _faster(alert: SLOAlert) -> str:
    who = alert.resolved_by if alert.resolved_at else alert.acknowledged_by
    return who.shown_name if who else ""


def _until(given: str, now: datetime) -> datetime | None:
    """The end of a snooze that a form offers: so many hours, or tomorrow morning."""
    if given == "tomorrow":
        return timezone.make_aware(datetime.combine(timezone.localdate(now) + timedelta(days=1), MORNING))
    return now + timedelta(hours=int(given)) if given in {"1", "4"} else None
