from decimal import Decimal
from typing import Any

from django import forms

from slos import parts, words
from slos.models import Period, SLOAlertType, SLODefinition

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
        main, *further = self.instance.measurement_periods or [Period.DAILY]
        self.initial.update(measurement_period=main, further_periods=further)
        self.initial.update(_shown(self.instance.only))
        for name, value in self.initial.items():
            if isinstance(value, Decimal):
                self.initial[name] = Decimal(words.plain(value))  # 90, not 90.000
        if "target_value" in self.fields:  # not where the page is only read
            self.fields["target_value"].required = False  # a rate has none of its own

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if main := given.get("measurement_period"):
            further = [period for period in given.get("further_periods", []) if period != main]
            self.instance.measurement_periods = [main, *further]
        only = {name: given[name] for name in parts.OF_AN_INVOICE if given.get(name)}
        only |= given.get("labels") or {}
        if said := parts.wrong(only):
            self.add_error("labels", said)
        else:
            self.instance.only = only
        return given

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


def _shown(only: parts.Parts) -> dict[str, str]:
    """As the form asks for it."""
    labels = [
        f"{name.removeprefix(parts.LABEL)}={value}" for name, value in only.items() if name.startswith(parts.LABEL)
    ]
    return {**{name: only.get(name, "") for name in parts.OF_AN_INVOICE}, "labels": "\n".join(labels)}
