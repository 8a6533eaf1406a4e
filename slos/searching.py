"""What the explorer of invoices and exceptions is asked for: a form whose fields are the parameters of its address."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.models import Organization
from accounts.problems import Problem
from kpis.params import Span, read_moment
from kpis.periods import BUCKET
from kpis.rows import EXCEPTIONS, Listing, Stored, Table
from slos.behind import Outcome
from slos.drilldown import Figure, parts_of, usual_span
from slos.models import SLODefinition

LONGEST_LABEL = 601
BEGINNING = "2000-01-01T00:00:00Z"  # no message may name an earlier time
ALONE = "Does not go with an objective, whose figures know only times and parts of the work: leave one of them out."
UNREADABLE = "Must be a date such as 2026-01-31, or a time with an offset such as 2026-01-31T08:00:00Z."
DATE = forms.TextInput({"placeholder": "YYYY-MM-DD", "autocomplete": "off"})
TEXT = forms.TextInput({"autocomplete": "off"})


def _text(label: str, longest: int, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=longest, required=False, widget=TEXT, **more)


class Wanted(forms.Form):
    """All optional. The figure of an objective, or what is stored."""

    q = forms.CharField(
        label="Number",
        max_length=200,
        required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    slo = forms.ChoiceField(label="Objective", required=False)
    outcome = forms.ChoiceField(
        choices=[("", "Any"), *((one.value, one.value.capitalize()) for one in Outcome)], required=False
    )
    start = forms.CharField(label="From", max_length=40, required=False, widget=DATE)
    end = forms.CharField(label="Until, not included", max_length=40, required=False, widget=DATE)
    status = forms.ChoiceField(required=False)
    vendor = _text("Vendor", 200)
    channel = _text("Channel", 100)
    document_type = _text("Document type", 100)
    kind = _text("Kind", 100)
    severity = _text("Severity", 50)
    label = _text("Label", LONGEST_LABEL, help_text="name, or name=value")

    def __init__(self, data: QueryDict, organization: Organization, table: Table) -> None:
        data = data.copy()
        if data.get("slo") and not data.get("outcome"):
            data["outcome"] = Outcome.BAD
        super().__init__(data)
        self.organization, self.table = organization, table
        self.slos = {str(slo.pk): slo for slo in organization.slos.order_by("name")}
        names = [(pk, slo.name) for pk, slo in self.slos.items()]
        self.fields["slo"].choices = [("", "No objective"), *names]  # type: ignore[attr-defined]
        states = [(name, name.capitalize()) for name in table.status_names]
        self.fields["status"].choices = [("", "Every status"), *states]  # type: ignore[attr-defined]
        if table is not EXCEPTIONS:
            del self.fields["kind"], self.fields["severity"]

    def clean_slo(self) -> SLODefinition | None:
        found = self.slos.get(self.cleaned_data["slo"])
        if found:
            found.organization = self.organization
        return found

    def _moment(self, name: str) -> datetime | None:
        """A date is the start of a local day."""
        given = self.cleaned_data[name]
        try:
            return read_moment(name, given, self.organization.time_zone) if given else None
        except Problem as problem:
            error = problem.errors[0]
            raise ValidationError(UNREADABLE if error["code"] == "invalid" else str(error["message"])) from None

    def clean_start(self) -> datetime | None:
        return self._moment("start")

    def clean_end(self) -> datetime | None:
        return self._moment("end")

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        slo, start, end = given.get("slo"), given.get("start"), given.get("end")
        if start and end and start >= end:
            self.add_error("end", "Must lie after the start; the end itself is not included.")
        if given.get("outcome") and not slo and "slo" not in self.errors:
            self.add_error("outcome", "Belongs to an objective: choose one, or leave the outcome out.")
        for name in ("q", "status", "label", "severity") if slo else ():
            if given.get(name):
                self.add_error(name, ALONE)
        return given

    @property
    def _outcome(self) -> Outcome:
        return Outcome(self.cleaned_data.get("outcome") or Outcome.BAD)

    @property
    def main(self) -> list[forms.BoundField]:
        """The fields that most people need."""
        return [self[name] for name in ("q", "slo", "outcome", "start", "end", "status")]

    @property
    def more(self) -> list[forms.BoundField]:
        shown = {field.name for field in self.main}
        return [field for field in self if field.name not in shown]

    @property
    def given(self) -> Mapping[str, str]:
        """What is asked for, by its parameter."""
        return {name: value for name in self.fields if (value := self.data.get(name, "").strip())}

    @property
    def query(self) -> str:
        return urlencode(self.given)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What is asked for in words, each with the query without it."""
        given, found = self.given, []
        for name, value in given.items():
            if name == "outcome":  # goes with its objective
                continue
            slo = self.cleaned_data.get("slo") if name == "slo" else None
            with_it = {"slo", "outcome"} if name == "slo" else {name}
            rest = {other: text for other, text in given.items() if other not in with_it}
            found.append((f"{self.fields[name].label or name.capitalize()}: {slo or value}", urlencode(rest)))
        return found

    def listing(self, *, now: datetime) -> Listing:
        """Of valid fields."""
        return self._figure(now) if self.cleaned_data["slo"] else self._stored()

    def _figure(self, now: datetime) -> Figure:
        """Of the usual range, or of what is given of another: it ends now, and is as long as the compliance window."""
        given, outcome = self.cleaned_data, self._outcome
        slo, start, end = given["slo"], given["start"], given["end"]
        span = usual_span(slo, outcome, now)
        if start or end:
            last = end or max(span.end, start + BUCKET)
            span = Span(start or usual_span(slo, outcome, last).start, last)
        only = {name: given[name] for name in parts_of(self.table) if given.get(name)}
        figure = Figure(slo, self.table, outcome, span, now, False, only)
        return replace(figure, newest=outcome != Outcome.PENDING)

    def _stored(self) -> Stored:
        """The newest first; by their numbers where they may be without a time."""
        given, begins = self.cleaned_data, self.table.begins
        start, end, search, status = given["start"], given["end"], given["q"], given["status"]
        timeless = not (start or end) and (search or status == self.table.status_names[-1])
        texts = {name: given[name] for name in self.table.filters if given.get(name)}
        ranges = {} if timeless else {begins: (start, end)}
        return Stored(
            self.organization, self.table, texts, ranges, status or None, search, given["label"], newest=not timeless
        )


def file_query(listing: Listing) -> str:
    """Of the API's address that gives the same rows as a file."""
    if isinstance(listing, Figure):
        span = {"start_date": _iso(listing.span.start), "end_date": _iso(listing.span.end)}
        return urlencode(
            {"slo_id": listing.slo.pk, "outcome": listing.outcome, **span, **listing.only, "format": "csv"}
        )
    if not isinstance(listing, Stored):
        raise TypeError(listing)
    asked = {"status": listing.status, "search": listing.search, "label": listing.label, **listing.texts}
    for name, (start, end) in listing.ranges.items():
        asked[f"{name}_from"] = _iso(start) if start else None if end else BEGINNING
        asked[f"{name}_to"] = _iso(end) if end else None
    return urlencode({name: value for name, value in asked.items() if value} | {"format": "csv"})


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
