"""GET /alerts, GET /alerts/{id}, and what people do with an alert: POST /alerts/{id}/acknowledge and the like."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import Endpoint, success
from accounts.models import User
from accounts.problems import Problem
from alerts import inbox, lifecycle, payloads
from alerts.inbox import Wanted
from alerts.kinds import AlertType, Severity
from alerts.lifecycle import By, Conflict
from alerts.models import AlertEvent, SLOAlert
from kpis.params import Params, body_object, read_moment, refusal, whole_number

LONGEST_NOTE = 2_000
FILTERS = ("severity", "resolved", "acknowledged", "slo_id", "alert_type")
Fields = Mapping[str, Any]
Done = tuple[SLOAlert, bool]


class Alerts(Endpoint):
    def get(self, request: Request) -> Response:
        params = Params(request._request, *FILTERS, "limit", "offset")
        limit, offset = params.integer("limit", 50, 1, 500), params.integer("offset", 0, 0, 10_000_000)
        wanted = _wanted(params)
        found = inbox.matching(self.organization, wanted)
        total = found.order_by().count()
        rows = list(found[offset : offset + limit])
        sent = inbox.deliveries(rows)
        data = {
            "alerts": [payloads.alert(row, sent.get(row.pk, inbox.NOTHING_SENT)) for row in rows],
            "pagination": {
                "total_count": total,
                "limit": limit,
                "offset": offset,
                "has_more": offset + len(rows) < total,
            },
            "filters": {name: getattr(wanted, name.removesuffix("_id")) for name in FILTERS},
        }
        return success(data, f"{len(rows)} of {total} alerts, newest first.")


def _wanted(params: Params) -> Wanted:
    return Wanted(
        severity=params.choice("severity", list(Severity), "") if "severity" in params else None,
        alert_type=params.choice("alert_type", list(AlertType), "") if "alert_type" in params else None,
        slo=params.uuid("slo_id"),
        resolved=params.flag("resolved", False) if "resolved" in params else None,
        acknowledged=params.flag("acknowledged", False) if "acknowledged" in params else None,
    )


class OneAlert(Endpoint):
    def alert(self, pk: UUID) -> SLOAlert:
        found = inbox.find(self.organization, pk)
        if found is None:
            raise Http404
        return found


class Alert(OneAlert):
    def get(self, request: Request, alert_id: UUID) -> Response:
        Params(request._request)
        one = self.alert(alert_id)
        data = {
            **_payload(one),
            "timeline": [payloads.event(event) for event in inbox.timeline(one)],
            "deliveries": [payloads.delivery(row) for row in inbox.told(one)],
            "incident": payloads.incident(inbox.incident(one)),
        }
        return success(data, f"The alert is {one.state}.")


class Act(OneAlert):
    """One verb. What it answers is `shown` of the alert, and the alert itself."""

    fields: ClassVar[tuple[str, ...]] = ("notes",)
    shown: ClassVar[tuple[str, ...]] = ()

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        raise NotImplementedError

    def post(self, request: Request, alert_id: UUID) -> Response:
        Params(request._request)
        given = body_object(request, *self.fields)
        by = By(self.access.user, AlertEvent.Channel.API, request._request)
        try:
            _, changed = self.act(self.alert(alert_id), given, by, timezone.now())
        except Conflict as conflict:
            raise Problem(409, conflict.text, alert=_payload(self.alert(conflict.alert.pk))) from None
        except ValidationError as error:
            raise Problem(422, " ".join(error.messages), _errors(error)) from None
        except SLOAlert.DoesNotExist:  # cleaned away meanwhile
            raise Http404 from None
        payload = _payload(self.alert(alert_id))
        data = {"alert_id": alert_id, **{name: payload[name] for name in self.shown}, "alert": payload}
        return success(data, "Done." if changed else "It was so already; nothing was changed.")


class Acknowledge(Act):
    fields = ("notes", "version")
    shown = ("acknowledged_at", "acknowledged_by")

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        return lifecycle.acknowledge(alert, by=by, now=now, note=_note(given), version=_version(given))


class Unacknowledge(Act):
    fields = ()
    shown = ("acknowledged_at", "acknowledged_by")

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        return lifecycle.unacknowledge(alert, by=by, now=now)


class Resolve(Act):
    fields = ("resolution_notes", "notes", "version")
    shown = ("resolved_at", "resolution_notes")

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        if {"resolution_notes", "notes"} <= given.keys():
            raise refusal("notes", "contradiction", "Give this or resolution_notes, not both.", status=422)
        name = "notes" if "notes" in given else "resolution_notes"
        return lifecycle.resolve(alert, by=by, now=now, note=_note(given, name), version=_version(given))


class Reopen(Act):
    shown = ("resolved_at",)

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        return lifecycle.reopen(alert, by=by, now=now, note=_note(given))


class Snooze(Act):
    fields = ("until", "until_better", "notes")
    shown = ("snoozed_until", "snoozed_until_better")

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        better = given.get("until_better", False)
        if not isinstance(better, bool):
            raise refusal("until_better", "type", "Must be true or false.", status=422)
        until = self._moment(given)
        return lifecycle.snooze(alert, by=by, now=now, until=until, until_better=better, note=_note(given))

    def _moment(self, given: Fields) -> datetime | None:
        until = given.get("until")
        if until is None:
            return None
        try:
            return read_moment("until", until if isinstance(until, str) else "", self.organization.time_zone)
        except Problem as problem:
            raise Problem(422, str(problem.detail), problem.errors) from None


class Unsnooze(Act):
    fields = ()
    shown = ("snoozed_until", "snoozed_until_better")

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        return lifecycle.unsnooze(alert, by=by, now=now)


class Assign(Act):
    fields = ("to", "notes")
    shown = ("assigned_to",)

    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        return lifecycle.assign(alert, by=by, now=now, to=self._member(given), note=_note(given))

    def _member(self, given: Fields) -> User | None:
        if "to" not in given:
            raise refusal("to", "required", "Name a user of the organisation, or null for nobody.", status=422)
        name = given["to"]
        if name is None:
            return None
        known = User.objects.filter(memberships__organization=self.organization, is_active=True)
        found = known.filter(username=name).first() if isinstance(name, str) and "\0" not in name else None
        if found is None:
            raise refusal("to", "unknown", "There is no such user in your organisation.", status=422)
        return found


class Notes(Act):
    def act(self, alert: SLOAlert, given: Fields, by: By, now: datetime) -> Done:
        text = _note(given).strip()
        if not text:
            raise refusal("notes", "required", "Write something.", status=422)
        return lifecycle.note(alert, by=by, now=now, text=text)


def _payload(alert: SLOAlert) -> dict[str, Any]:
    return payloads.alert(alert, inbox.deliveries([alert]).get(alert.pk, inbox.NOTHING_SENT))


def _note(given: Fields, name: str = "notes") -> str:
    text = given.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise refusal(name, "type", "Must be a text.", status=422)
    if len(text) > LONGEST_NOTE or "\0" in text:
        raise refusal(name, "range", f"May have up to {LONGEST_NOTE:,} characters, NUL not among them.", status=422)
    return text


def _version(given: Fields) -> int | None:
    version = given.get("version")
    if version is not None and type(version) is not int:
        raise refusal("version", "type", "Must be a whole number: the version of the alert that you saw.", status=422)
    return None if version is None else whole_number("version", version, 1, 999_999_999, status=422)


def _errors(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": field, "code": "invalid", "message": message}
        for field, messages in error.message_dict.items()
        for message in messages
    ]
