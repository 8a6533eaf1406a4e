"""GET and POST /exclusions, GET /exclusions/{id}; POST /exclusions/preview, /exclusions/{id}/withdraw."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.access import may_edit
from accounts.endpoint import Endpoint, success
from accounts.problems import Problem
from kpis.params import Params, body_object, one_of, read_moment, refusal
from slos import effect, exclusions, payloads
from slos.models import Exclusion, SLODefinition

FIELDS = ("category", "reason", "slos", "start", "end", "rrule", "invoice_id")
TEXTS = {"reason": 300, "rrule": 300, "invoice_id": 200}  # characters
MOST_SLOS, MOST_TIMES = 500, 50
Given = Mapping[str, Any]


class Editing(Endpoint):
    """Writing needs the role that the administration asks for, beside the scope."""

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if request.method == "POST" and not may_edit(self.access):
            raise PermissionDenied("Only SLO editors and administrators leave something out of the figures.")

    def one(self, pk: UUID) -> Exclusion:
        found = exclusions.find(self.organization, pk)
        if found is None:
            raise Http404
        return found

    def wanted(self, request: Request) -> tuple[Exclusion, list[SLODefinition]]:
        """What the body describes, unsaved, and of which objectives. Raises Problem."""
        Params(request._request)
        given = body_object(request, *FIELDS)
        zone = self.organization.time_zone
        times = {
            name: read_moment(name, _text(given, name, 40), zone, status=422)
            for name in ("start", "end")
            if given.get(name) is not None
        }
        category = one_of("category", given.get("category"), Exclusion.Category.values, status=422)
        texts = {name: _text(given, name, most).strip() for name, most in TEXTS.items()}
        draft = Exclusion(
            organization=self.organization, category=category, created_by=self.access.user, **times, **texts
        )
        slos = self._slos(given)
        if wrong := exclusions.wrong(draft, now=timezone.now()):
            errors = [{"field": name, "code": "invalid", "message": text} for name, text in wrong.items()]
            raise Problem(422, " ".join(wrong.values()), errors)
        return draft, slos

    def _slos(self, given: Given) -> list[SLODefinition]:
        named = given.get("slos", [])
        if not isinstance(named, list) or len(named) > MOST_SLOS or not all(isinstance(one, str) for one in named):
            text = f"Must be a list of up to {MOST_SLOS} ids or names of objectives; empty: all of them."
            raise refusal("slos", "type", text, status=422)
        known = {key: slo for slo in self.organization.slos.all() for key in (slo.name, str(slo.pk))}
        if missing := [one for one in named if one not in known]:
            raise refusal("slos", "unknown", f"There is no objective {missing[0][:200]!r}.", status=422)
        return [known[one] for one in named]


class Exclusions(Editing):
    def get(self, request: Request) -> Response:
        params = Params(request._request, "state", "slo_id", "limit", "cursor")
        state = params.choice("state", exclusions.STATES, "") if "state" in params else ""
        limit, after = params.integer("limit", 50, 1, 500), params.uuid("cursor")
        last = exclusions.find(self.organization, after) if after else None
        if after and last is None:
            raise refusal("cursor", "invalid", "There is no such exclusion any more; begin without a cursor.")
        found = exclusions.page(self.organization, limit + 1, state=state, slo=params.uuid("slo_id"), after=last)
        shown, more = found[:limit], len(found) > limit
        pages = {"limit": limit, "next_cursor": str(shown[-1].pk) if more else None, "has_more": more}
        data = {"exclusions": [payloads.exclusion(one) for one in shown], "pagination": pages}
        return success(data, f"{len(shown)} exclusions, newest first.")

    def post(self, request: Request) -> Response:
        draft, slos = self.wanted(request)
        made = exclusions.make(draft, slos)
        audit.record(audit.Action.ADDED, now=timezone.now(), request=request._request, on=made, note=made.reason)
        address = reverse("api-exclusion", args=[made.pk])
        text = "The figures leave it out within seconds."
        return success(payloads.exclusion(self.one(made.pk)), text, status=201, location=address)


class Preview(Editing):
    def post(self, request: Request) -> Response:
        draft, slos = self.wanted(request)
        effects = effect.preview(draft, slos, now=timezone.now())
        times = list(exclusions.occurrences(draft))
        data = {
            "times": [{"start": start, "end": end} for start, end in islice(times, MOST_TIMES)],
            "times_count": len(times),
            "effects": [payloads.effect(one) for one in effects],
        }
        return success(data, _said([one.slo.name for one in effects]))


class OneExclusion(Editing):
    def get(self, request: Request, exclusion_id: UUID) -> Response:
        Params(request._request)
        found = self.one(exclusion_id)
        return success(payloads.exclusion(found), str(found))


class Withdraw(Editing):
    def post(self, request: Request, exclusion_id: UUID) -> Response:
        Params(request._request)
        body_object(request)
        found, now = self.one(exclusion_id), timezone.now()
        changed = exclusions.withdraw(found, by=self.access.user, now=now)
        if changed:
            audit.record(audit.Action.CHANGED, now=now, request=request._request, on=found, note="Withdrawn.")
        text = "What it left out counts again within seconds." if changed else "It was withdrawn before."
        return success(payloads.exclusion(self.one(exclusion_id)), text)


def _text(given: Given, name: str, most: int) -> str:
    text = given.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise refusal(name, "type", "Must be a text.", status=422)
    if len(text) > most or not text.isprintable():
        raise refusal(name, "range", f"May have up to {most} characters, in one line.", status=422)
    return text


def _said(names: Sequence[str]) -> str:
    if not names:
        return "No figure of today would change. Nothing was saved."
    return f"The figures of {len(names)} objectives would change. Nothing was saved."
