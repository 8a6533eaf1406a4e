from decimal import Decimal
from typing import Any

from django import forms

from slos import words
from slos.models import Period, SLOAlertType, SLODefinition


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
        return given

    def _get_validation_exclusions(self) -> set[str]:
        """A name is unique in its organisation, also where the form does not show the organisation."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"organization"}
