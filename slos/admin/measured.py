"""What was measured of the objectives, and how the worker gets on: to read."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_access import ByRole
from accounts.admin_lists import NewestOnly, OneOrganization, OrganizationFilter, chosen_organization
from slos import words
from slos.models import EngineState, Job, SLIMeasurement, SLODefinition, TooLate, Unit


class SLOFilter(admin.SimpleListFilter):
    title = "objective"
    parameter_name = "slo"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        chosen = chosen_organization(request)
        seen = admin.site.get_model_admin(SLODefinition).get_queryset(request).order_by("name")
        return [(str(slo.pk), slo.name) for slo in seen if str(slo.organization_id) == chosen]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is not None and value not in dict(self.lookup_choices):
            raise IncorrectLookupParameters(f"There is no objective {value!r}.")
        return queryset if value is None else queryset.filter(slo=value)


def local(row: SLIMeasurement, at: datetime) -> str:
    """In the time zone that the period was cut by."""
    return at.astimezone(row.organization.time_zone).strftime("%a %Y-%m-%d %H:%M")


class ReadOnly(ByRole):
    """To look at; the worker writes it."""


@admin.register(SLIMeasurement)
class SLIMeasurementAdmin(ReadOnly):
    list_display = [
        "slo",
        "period",
        "start",
        "closed",
        "achieved",
        "actual",
        "consumed",
        "good_of_total",
        "pending",
    ]
    list_select_related = ["slo", "organization"]
    list_filter = [OneOrganization, SLOFilter, "period"]
    date_hierarchy = "period_start"
    ordering = ["-period_start"]
    list_per_page = 50
    paginator = NewestOnly
    sortable_by = ["start"]
    fieldsets = [
        (None, {"fields": ["slo", "period", "start", "end", "closed"]}),
        ("Result", {"fields": ["achieved", "actual", "consumed"]}),
        ("Events", {"fields": ["good_of_total", "pending"]}),
        ("Promised then", {"fields": ["target_percentage", "target_value", "target_unit", "error_budget_percentage"]}),
        ("Written", {"fields": ["created_at", "updated_at"]}),
    ]

    @admin.display(ordering="period_start")
    def start(self, row: SLIMeasurement) -> str:
        return local(row, row.period_start)

    @admin.display
    def end(self, row: SLIMeasurement) -> str:
        return local(row, row.period_end)

    @admin.display
    def closed(self, row: SLIMeasurement) -> str:
        return "closed" if row.period_end <= timezone.now() else "partial"

    @admin.display(description="achieved")
    def achieved(self, row: SLIMeasurement) -> str:
        return words.percentage(row.achieved_percentage, 2)

    @admin.display(description="actual value")
    def actual(self, row: SLIMeasurement) -> str:
        value = row.actual_value
        if value is None or row.target_unit == Unit.PERCENT:
            return words.percentage(value, 2)
        return f"{value:,.4g} {'' if row.target_unit == Unit.CONFIDENCE else row.target_unit}".strip()

    @admin.display(description="budget consumed")
    def consumed(self, row: SLIMeasurement) -> str:
        return words.percentage(row.error_budget_consumed, 1)

    @admin.display(description="good events")
    def good_of_total(self, row: SLIMeasurement) -> str:
        return f"{words.plain(row.good_events_count)} of {row.total_events_count}"

    @admin.display
    def pending(self, row: SLIMeasurement) -> int:
        return row.pending_events_count


@admin.register(EngineState)
class EngineStateAdmin(ReadOnly):
    list_display = ["organization", "ticked_at", "behind", "figures_changed_at", "sealed_before"]
    list_select_related = ["organization"]
    list_filter = [OrganizationFilter]

    @admin.display(description="behind by")
    def behind(self, state: EngineState) -> str:
        if state.ticked_at is None:
            return "never ticked"
        return words.ago(max(timezone.now() - state.ticked_at, timedelta(0)).total_seconds())


@admin.register(TooLate)
class TooLateAdmin(ReadOnly):
    """Which facts have changed after they had been counted for good; the rows are there, the figures stay."""

    list_display = ["field", "start", "noticed_at", "organization"]
    list_select_related = ["organization"]
    list_filter = [OrganizationFilter, "field"]
    date_hierarchy = "noticed_at"
    ordering = ["-noticed_at", "-start"]


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = [
        *("period", "period_start", "period_end", "state", "done", "total", "error"),
        *("created_by", "created_at", "finished_at"),
    ]
    list_select_related = ["created_by"]
    list_filter = [OrganizationFilter, "state", "period"]
    ordering = ["-created_at"]
