"""Objectives to define. Their figures come from slos.status, as everywhere."""

import re
from typing import Any

from dateutil.relativedelta import relativedelta
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin

from accounts import downloads
from accounts.admin_access import Role, organizations
from accounts.admin_lists import OrganizationFilter
from accounts.when_needed import when_needed
from slos import catalogue, edits, parts, status, words
from slos.admin.acting import Acting
from slos.forms import EditForm
from slos.models import SLODefinition


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"
    STATES = (
        words.CRITICAL,
        words.BUDGET_USED_UP,
        words.AT_RISK,
        words.NOTHING_YET,
        words.TOO_FEW,
        words.MET,
        words.PAUSED,
        words.ARCHIVED,
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.word, state.word) for state in self.STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            shown = request.method == "GET" or request.POST.get("select_across") == "1"
            return (
                queryset.filter(archived_at=None) if shown else queryset
            )  # what was chosen by its key may be archived
        return queryset.filter(pk__in=[slo.pk for slo in queryset if state_of(slo).word == self.value()])


def figures_of(slo: SLODefinition) -> status.SLOStatus:
    """As the last tick left them."""
    now = timezone.now()
    return status.SLOStatus(slo, getattr(slo, "snapshot", None) or status.empty_snapshot(slo, now), now)


def state_of(slo: SLODefinition) -> words.State:
    if not slo.is_active:
        return words.ARCHIVED if slo.archived_at else words.PAUSED
    figures = figures_of(slo)
    return words.state(figures.status, figures.consumed_percentage, figures.too_few)


VERSION = re.compile(r"[0-9]{1,9}")
VERSION_SHOWN = "version"  # in the address of the form
ALERTS: list[Any] = [
    "alerting_threshold_percentage",
    "critical_threshold_percentage",
    "notification_channels",
    "alert_types_off",
]
BURN_RATE: list[Any] = [
    "burn_policy",
    ("burn_rate_warning_threshold", "burn_rate_warning_hours"),
    ("burn_rate_alert_threshold", "burn_rate_alert_hours"),
]
GUARDS: list[Any] = [
    "critical_performance_percentage",
    "consecutive_failures",
    "min_events",
    "min_bad",
    "confidence",
    "resolve_after_minutes",
]
PROMISE: list[Any] = ["sli_type", "target_percentage", "target_value", "target_unit", "clock", "calendar"]
PART: list[Any] = ["vendor", "channel", "document_type", "labels"]
PART_OF_WORK, WHY = "Part of the work", "Why"
FIGURES = ["state", "now", "budget_left", "burn", "counted"]


@admin.register(SLODefinition)
class SLODefinitionAdmin(Acting, SimpleHistoryAdmin):
    changes = adds = deletes = Role.EDITOR
    form = EditForm
    list_display = [
        "name",
        "state",
        "promise",
        "now",
        "budget_left",
        "burn",
        "periods",
        "slos_owner",
        "is_active",
    ]
    list_filter = [StateFilter, OrganizationFilter, "is_active", "sli_type", "window", "slos_owner"]
    search_fields = ["name", "description", "slos_owner"]
    ordering = ["name"]
    actions = ["as_openslo"]
    object_history_list_template = "admin/slos/slodefinition/history_list.html"
    fieldsets = [
        (None, {"fields": ["organization", "name", "description", "slos_owner", "is_active"]}),
        (
            "What is promised",
            {"fields": PROMISE},
        ),
        (PART_OF_WORK, {"fields": PART, "classes": ["collapse"]}),
        ("Error budget", {"fields": ["error_budget_percentage", "window", "window_days"]}),
        ("Measured", {"fields": ["measurement_period", "further_periods"]}),
        ("Alerts", {"fields": ALERTS}),
        ("Alerts: burn rate", {"fields": BURN_RATE, "classes": ["collapse"]}),
        ("Alerts: how sure, how long", {"fields": GUARDS, "classes": ["collapse"]}),
        ("Runbook", {"fields": ["runbook"], "classes": ["collapse"]}),
        ("Review", {"fields": ["next_review_at"]}),
        (WHY, {"fields": ["reason", "version"]}),
    ]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        name, *figures = self.list_display
        several = organizations(request, Role.VIEWER).count() > 1
        return [name, "organization", *figures] if several else [name, *figures]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SLODefinition]:
        return super().get_queryset(request).select_related("snapshot", "organization")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of an archived one only what `acts` does: it is kept as it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.archived_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.archived_at is None)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or request.method == "POST":  # a refused form has no figures: its target may be anything
            return self.fieldsets
        shown = [one for one in self.fieldsets if one[0] not in (PART_OF_WORK, WHY)]
        fields = (
            self.fieldsets if self.has_change_permission(request, obj) else [*shown, ("Part", {"fields": ["part"]})]
        )
        return [("Now", {"fields": FIGURES}), *fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = ["organization", "sli_type"] if obj else []  # another SLI is another objective, with its own history
        return [*FIGURES, *fixed]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        review = timezone.localdate() + relativedelta(months=3)
        given = super().get_changeform_initial_data(request)
        copied = self.get_object(request, given.pop("copy", ""))
        return {"next_review_at": review, **(catalogue.copied(copied) if copied else {}), **given}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> SLODefinition | None:
        """Whoever saves it waits for who saves it now, and then sees what that has changed."""
        found = super().get_object(request, object_id, from_field)
        if found and request.method == "POST" and connection.in_atomic_block:
            SLODefinition.objects.select_for_update().get(pk=found.pk)
            found.refresh_from_db()
        return found

    def save_model(self, request: HttpRequest, obj: SLODefinition, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        obj._change_reason = form.cleaned_data.get("reason") or None  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    # --- columns ---------------------------------------------------------------------------------------------

    @admin.display
    def state(self, slo: SLODefinition) -> str:
        found = state_of(slo)
        return f"{found.mark} {found.word}"

    @admin.display(description="target", ordering="target_percentage")
    def promise(self, slo: SLODefinition) -> str:
        return words.promise(slo.target_percentage, slo.target_value if slo.is_timed else None, slo.limit_unit)

    @admin.display
    def now(self, slo: SLODefinition) -> str:
        return words.percentage(figures_of(slo).achieved_percentage)

    @admin.display(description="budget left")
    def budget_left(self, slo: SLODefinition) -> str:
        figures = figures_of(slo)
        left = words.percentage(figures.remaining_percentage)
        if not figures.snapshot.total:
            return left
        return f"{left}: {words.budget_left(slo.sli_type, figures.remaining_bad, figures.allowed_bad)}"

    @admin.display(description="burn 1 h")
    def burn(self, slo: SLODefinition) -> str:
        return words.burn_rate(figures_of(slo).burn_rate("1h"))

    @admin.display(description="events in the window")
    def counted(self, slo: SLODefinition) -> str:
        snapshot = figures_of(slo).snapshot
        return f"{snapshot.total:,}, and {snapshot.pending:,} not decided yet"

    @admin.display(description="measured")
    def periods(self, slo: SLODefinition) -> str:
        return ", ".join(slo.measurement_periods)

    @admin.display(description="part of the work")
    def part(self, slo: SLODefinition) -> str:
        return parts.words(slo.only) or "all of it"

    @admin.display
    def further_periods(self, slo: SLODefinition) -> str:
        return ", ".join(slo.measurement_periods[1:])

    # --- acts ------------------------------------------------------------------------------------------------

    @admin.action(description="Export selected objectives as OpenSLO")
    def as_openslo(self, request: HttpRequest, chosen: QuerySet[SLODefinition]) -> HttpResponse:
        text = when_needed("slos.openslo.writing").as_text(chosen)
        return downloads.yaml(request, "openslo.yaml", text, now=timezone.now())

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if self.get_object(request, object_id) is None:
            raise Http404
        return super().history_view(request, object_id, extra_context)

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The form of today with the values of then, to be saved like any other change, or not."""
        slo = self.get_object(request, object_id)
        if slo is None or not VERSION.fullmatch(version_id) or not slo.history.filter(pk=version_id).exists():
            raise Http404
        if not self.has_change_permission(request, slo):
            raise PermissionDenied
        form = reverse("admin:slos_slodefinition_change", args=[slo.pk])
        return HttpResponseRedirect(f"{form}?{VERSION_SHOWN}={version_id}")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        wanted = request.GET.get(VERSION_SHOWN, "")
        if obj is None or request.method == "POST" or not VERSION.fullmatch(wanted):
            return form
        old = SLODefinition.history.filter(id=obj.pk, pk=wanted).select_related("history_user").first()
        return type(form.__name__, (form,), {"old": old})

    def set_history_delta_changes(self, request: HttpRequest, page: Any, foreign_keys_are_objs: bool = True) -> None:
        """In the words of the page of the objective."""
        rows = list(page)
        before = [*rows[1:], rows[-1].prev_record] if rows else []
        for row, older in zip(rows, before, strict=True):
            row.changes = edits.changes(row, older) if older else []

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What was measured is not thrown away."""
        slo = self.get_object(request, object_id)
        if slo is None or not self.has_delete_permission(request, slo) or not catalogue.measured(slo):
            return super().delete_view(request, object_id, extra_context)
        self.message_user(
            request,
            f"“{slo}” has been measured and cannot be deleted. Archive it instead: its figures are kept.",
            messages.ERROR,
        )
        return HttpResponseRedirect(reverse("admin:slos_slodefinition_change", args=[slo.pk]))
