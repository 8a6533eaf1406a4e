"""One act for several alerts: each alone, and of each it is said what came of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from accounts.access import Access
from accounts.pages import for_members
from alerts import inbox, tabs
from alerts.models import SLOAlert
from alerts.views import acting
from alerts.views.acting import Answer
from alerts.views.lists import Filter, back, tab_of
from slos.words import plural

WORDS = {"acknowledge": "acknowledged", "resolve": "resolved"}


class Refused(Exception):
    """Nothing was done; says why."""


@dataclass(frozen=True)
class Outcome:
    """Of one alert, as it is now."""

    alert: SLOAlert
    answer: Answer


@dataclass(frozen=True)
class Outcomes:
    word: str
    each: Sequence[Outcome]
    gone: int  # alerts that do not exist any more

    @property
    def done(self) -> list[Outcome]:
        return [one for one in self.each if one.answer.done]

    @property
    def left(self) -> list[Outcome]:
        """Those that cannot be done: somebody was faster, or it is over."""
        return [one for one in self.each if not one.answer.done and not one.answer.again]

    @property
    def failed(self) -> list[Outcome]:
        """Those that may be tried again."""
        return [one for one in self.each if one.answer.again]

    @property
    def title(self) -> str:
        number = len(self.each) + self.gone
        return f"{len(self.done)} of {number} {plural('alert', number)} {self.word}."

    @property
    def summary(self) -> str:
        return ", ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        faster = Counter(one.answer.by for one in self.left)
        yield from (f"{number} already {who}'s" for who, number in faster.items() if who)
        counted = ((faster[""], "could not be done"), (self.gone, "gone meanwhile"), (len(self.failed), "failed"))
        yield from (f"{number} {what}" for number, what in counted if number)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def act_on_several(request: HttpRequest, who: Access) -> HttpResponse:
    """The ticked alerts, or with `every` all that their list held when the page was made."""
    if request.method != "POST":  # somebody has signed in again: the list is there, what was ticked is not
        return redirect("alerts")
    context = {"back": back(request), "act": request.POST.get("act", ""), "note": request.POST.get("note", "")}
    try:
        outcomes, status = _outcomes(request, who, context["act"]), 200
    except Refused as refused:
        outcomes, status = None, 422
        context["refused"] = str(refused)
    whole = "alerts/_outcomes.html" if request.htmx else "alerts/several.html"  # type: ignore[attr-defined]
    return render(request, whole, {**context, "outcomes": outcomes}, status=status)


def _outcomes(request: HttpRequest, who: Access, act: str) -> Outcomes:
    """Raises Refused."""
    now = timezone.now()
    if act not in WORDS:
        raise Refused("choose what to do.")
    chosen = _every(request, who, now) if request.POST.get("every") else _ticked(request, who)
    if not chosen:
        raise Refused("select alerts first.")
    note = request.POST.get("note", "")
    each = [
        Outcome(alert, _one(request, who, alert, {"act": act, "version": version, "note": note}, now))
        for alert, version in chosen
        if alert
    ]
    return Outcomes(WORDS[act], each, sum(alert is None for alert, _ in chosen))


def _one(request: HttpRequest, who: Access, alert: SLOAlert, fields: Mapping[str, str], now: datetime) -> Answer:
    """One that the database cannot do now, such as one that somebody else holds, does not stop the others."""
    try:
        return acting.act(request, who, alert, fields, now=now)
    except Http404:
        return Answer(404, "It does not exist any more.")
    except OperationalError:
        return Answer(503, "The database was busy with it.", again=fields["version"])


Chosen = list[tuple[SLOAlert | None, str]]  # and the version that the reader saw


def _ticked(request: HttpRequest, who: Access) -> Chosen:
    pairs = [pair for text in request.POST.getlist("alert")[: tabs.MOST_AT_ONCE] if (pair := _pair(text))]
    found = inbox.several(who.organization, [pk for pk, _ in pairs])
    return [(found.get(pk), version) for pk, version in pairs]


def _pair(text: str) -> tuple[UUID, str] | None:
    pk, _, version = text.partition(":")
    try:
        return UUID(pk), version
    except ValueError:
        return None


def _every(request: HttpRequest, who: Access, now: datetime) -> Chosen:
    """Raises Refused."""
    asked = QueryDict(request.POST.get("list", ""))
    wanted, until = Filter(asked, who), _moment(request.POST["every"])
    if until is None or not wanted.is_valid():
        raise Refused("the list is not known any more. Load the page again.")
    most = tabs.MOST_AT_ONCE
    found = tabs.every(who.organization, who.user, tab_of(asked), wanted.wanted(until), now=now, until=until, most=most)
    return [(alert, str(alert.version)) for alert in found]


def _moment(text: str) -> datetime | None:
    try:
        read = parse_datetime(text)
    except ValueError:
        return None
    return read if read and read.tzinfo else None
