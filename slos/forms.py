from decimal import Decimal
from typing import Any

from django import forms

from slos import catalogue, edits, parts, words
from slos.models import Period, SLIType, SLOAlertType, SLODefinition

ONLY = "Counts only what has exactly {}; of exceptions, what their invoice has. Empty: all."


class SLOForm(forms.ModelForm):
    """The measurement periods as one that reports show and others beside it: their order means something."""

    measurement_period = forms.ChoiceField(
        choices=Period, help_text="The period that the overview, the reports and the API show."
    )
    further_periods = forms.MultipleChoiceField(
        choices=Period,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Also measured over these. A period that is switched off keeps what was measured.",
    )
    vendor = forms.CharField(required=False, max_length=parts.LONGEST, help_text=ONLY.format("this vendor"))
    channel = forms.CharField(required=False, max_length=parts.LONGEST, help_text=ONLY.format("this channel"))
    document_type = forms.CharField(required=False, max_length=parts.LONGEST, help_text=ONLY.format("this type"))
    labels = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Counts only what bears these labels, one a line: region=north. Of exceptions: their own labels.",
    )
    alert_types_off = forms.MultipleChoiceField(
        choices=SLOAlertType,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=SLODefinition._meta.get_field("alert_types_off").help_text,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = dict(kwargs.get("initial") or {})  # of a copy
        main, *further = self.instance.measurement_periods or [Period.DAILY]
        self.initial.update(measurement_period=main, further_periods=further)
        self.initial.update(_shown(given.get("only", self.instance.only)))
        self.initial.update(given)
        for name, value in self.initial.items():
            if isinstance(value, Decimal):
                self.initial[name] = Decimal(words.plain(value))  # 90, not 90.000
        if "target_value" in self.fields:  # not where the page is only read
            self.fields["target_value"].required = False  # a rate has none of its own
        if "clock" in self.fields:
            self.fields["clock"].required = False  # whoever does not ask means what stands there

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if main := given.get("measurement_period"):
            further = [period for period in given.get("further_periods", []) if period != main]
            self.instance.measurement_periods = [main, *further]
        only = {name: given[name] for name in parts.OF_AN_INVOICE if given.get(name)}
        only |= given.get("labels") or {}
        fed = given.get("sli_type", self.instance.sli_type) == SLIType.GOOD_TOTAL
        if said := parts.wrong(only, fed=fed):
            self.add_error("labels", said)
        else:
            self.instance.only = only
        return given

    def clean_clock(self) -> str:
        return self.cleaned_data["clock"] or self.instance.clock

    def clean_labels(self) -> dict[str, str]:
        """As slos.parts names them."""
        given: dict[str, str] = {}
        for line in filter(str.strip, self.cleaned_data["labels"].splitlines()):
            name, equals, value = line.partition("=")
            if not equals:
                raise forms.ValidationError("Write one label a line: name=value.")
            given[parts.LABEL + name.strip()] = value.strip()
        return given

    def _get_validation_exclusions(self) -> set[str]:
        """A name is unique in its organisation, also where the form does not show the organisation."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"organization"}


class EditForm(SLOForm):
    """Says why a promise changes, and notices when somebody else has changed it meanwhile."""

    JUDGES = (
        *(
            "target_percentage",
            "target_value",
            "target_unit",
            "clock",
            "calendar",
            "error_budget_percentage",
            "window",
            "window_days",
        ),
        *(*parts.OF_AN_INVOICE, "labels"),
    )
    reason = forms.CharField(
        label="Reason for the change",
        required=False,
        max_length=100,
        help_text="Kept in the history. Required when the target, the limit, the budget, the window or the part of the "
        "work changes.",
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput, help_text="What was shown.")
    old: Any = None  # the version whose values it opens with, to be saved or not

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.old is not None:
            kwargs["initial"] = {**kwargs.get("initial", {}), **catalogue.form_fields(self.old.instance)}
        super().__init__(*args, **kwargs)
        adding = self.instance._state.adding
        self.newest = None if adding else SLODefinition.history.filter(id=self.instance.pk).latest()
        self.initial["version"] = str(self.newest.pk) if self.newest else ""
        self.theirs: list[edits.Edit] = []

    def clean(self) -> dict[str, Any]:
        changed = any(name in self.changed_data for name in self.JUDGES)
        shown = self.data.get("version", "")
        if self.newest and shown and shown != str(self.newest.pk):
            self._notice(shown)
        given = super().clean()
        if self.newest and changed and not given.get("reason"):
            self.add_error("reason", "Say why: this changes what is promised, and the history keeps the reason.")
        return given

    @property
    def taken_back(self) -> list[edits.Change]:
        """What would change with the values of the old version."""
        return edits.changes(self.old, self.newest) if self.old is not None and self.newest else []

    def _notice(self, shown: str) -> None:
        """Nothing of either is lost: theirs is saved, and these values stand in the form, to be saved or dropped."""
        known = SLODefinition.history.filter(id=self.instance.pk, pk=shown).first() if shown.isdecimal() else None
        saved = SLODefinition.objects.get(pk=self.instance.pk)
        self.theirs = [edit for edit in edits.read(saved).edits if known is None or edit.at > known.history_date]
        shown_now: Any = self.data.copy()  # type: ignore[attr-defined]
        shown_now["version"] = self.initial["version"]
        self.data = shown_now
        said = (
            "Somebody else has changed it meanwhile, and nothing of yours is saved yet. What they did is listed above."
        )
        self.add_error(None, f"{said} Save again to keep your values, or take theirs.")


def _shown(only: parts.Parts) -> dict[str, str]:
    """As the form asks for it."""
    labels = [
        f"{name.removeprefix(parts.LABEL)}={value}" for name, value in only.items() if name.startswith(parts.LABEL)
    ]
    return {**{name: only.get(name, "") for name in parts.OF_AN_INVOICE}, "labels": "\n".join(labels)}
