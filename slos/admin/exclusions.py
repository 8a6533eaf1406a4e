"""Periods and invoices that do not count: tried first, never deleted, withdrawn when they were wrong."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin_access import Role
from accounts.admin_choices import Limited, OfOne
from accounts.admin_lists import OrganizationFilter
from slos import effect, exclusions
from slos.models import Exclusion

TRY = "_preview"
SHOWN = 5  # times of a recurring one
TAKES_OUT = ["slos", "start", "end", "rrule", "invoice_id"]
ENDED = ["times", "withdrawn_at", "withdrawn_by", "created_at", "created_by"]


class ExclusionForm(OfOne):
    def is_valid(self) -> bool:
        """One that is only tried is not saved."""
        return super().is_valid() and TRY not in self.data

    def validate_constraints(self) -> None:
        """`exclusions.wrong` says the same with a way out."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.instance._state.adding:
            return
        for field, text in exclusions.wrong(self.instance, now=timezone.now()).items():
            self.add_error(field, text)


def _clock(start: datetime, end: datetime) -> str:
    return "%H:%M" if start.date() == end.date() else "%a %Y-%m-%d %H:%M"


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("holds", "Holds"), ("withdrawn", "Withdrawn")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"holds", "withdrawn"}:
            return queryset
        return queryset.filter(withdrawn_at__isnull=self.value() == "holds")


@admin.register(Exclusion)
class ExclusionAdmin(Limited):
    """What is taken out is fixed once it is saved; its reason may be said better."""

    changes = adds = Role.EDITOR
    form = ExclusionForm
    change_form_template = "admin/slos/exclusion/change_form.html"
    list_display = ["reason", "category", "what", "state", "created_by", "created_at"]
    list_select_related = ["created_by", "organization"]
    list_filter = [OrganizationFilter, StateFilter, "category"]
    search_fields = ["reason", "invoice_id"]
    actions = ["withdraw"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = [
            (None, {"fields": ["organization", "category", "reason", "slos"]}),
            ("A period", {"fields": ["start", "end", "rrule"]}),
            ("Or one invoice", {"fields": ["invoice_id"]}),
        ]
        return [*sets, ("Record", {"fields": ENDED})] if obj else sets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *ENDED, *(TAKES_OUT if obj else [])]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.withdrawn_at is None)

    def save_model(self, request: HttpRequest, obj: Exclusion, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change:
            exclusions.put_in_force(form.instance)
            self.message_user(request, "The figures leave it out within seconds.", messages.INFO)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        if TRY in request.POST and form.instance._state.adding and not form.errors:
            tried, now = form.instance, timezone.now()
            context["effects"] = effect.preview(tried, form.cleaned_data["slos"], now=now)
            context["times"] = self.times(tried)
        return super().render_change_form(request, context, *args, **kwargs)

    # --- columns ---------------------------------------------------------------------------------------------

    @admin.display
    def what(self, exclusion: Exclusion) -> str:
        if exclusion.invoice_id:
            return f"invoice {exclusion.invoice_id}"
        return f"{self.times(exclusion, 1)}{', recurring' if exclusion.rrule else ''}"

    @admin.display
    def state(self, exclusion: Exclusion) -> str:
        if exclusion.withdrawn_at:
            return "withdrawn"
        return "holds" if exclusion.settled else "holds with the next calculation"

    @admin.display(description="left out")
    def times(self, exclusion: Exclusion, most: int = SHOWN) -> str:
        zone = exclusion.organization.time_zone
        every = list(exclusions.occurrences(exclusion))
        local = [(start.astimezone(zone), end.astimezone(zone)) for start, end in every[:most]]
        lines = [f"{start:%a %Y-%m-%d %H:%M} to {end:{_clock(start, end)}}" for start, end in local]
        more = [f"and {len(every) - most} more times"] if len(every) > most > 1 else []
        return "\n".join([*lines, *more]) or f"invoice {exclusion.invoice_id}"

    # --- acts ------------------------------------------------------------------------------------------------

    @admin.action(description="Withdraw selected exclusions", permissions=["change"])
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Exclusion]) -> None:
        gone = 0
        for exclusion in self.changeable(request, chosen):
            if exclusions.withdraw(exclusion, by=request.user, now=timezone.now()):  # type: ignore[arg-type]
                gone += 1
                self.log_change(request, exclusion, "Withdrawn.")
        text = f"{gone} of {len(chosen)} exclusions withdrawn: what they left out counts again within seconds."
        self.message_user(request, text, messages.SUCCESS)
