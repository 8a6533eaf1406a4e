"""Alerts and incidents: to read, and to acknowledge or resolve by the verbs that everybody uses."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from accounts.admin_access import ByRole, Role
from accounts.admin_lists import NewestOnly, OneOrganization
from alerts import inbox, lifecycle
from alerts.lifecycle import By, Conflict
from alerts.models import AlertEvent, Incident, SLOAlert
from slos.admin.measured import SLOFilter

STATES = {
    "open": Q(resolved_at=None, acknowledged_at=None),
    "acknowledged": Q(resolved_at=None, acknowledged_at__isnull=False),
    "resolved": Q(resolved_at__isnull=False),
}


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(STATES.get(self.value() or "", Q()))


@admin.register(SLOAlert)
class SLOAlertAdmin(ByRole):
    list_display = ["title", "severity", "state", "alert_type", "slo", "breached_at", "acknowledged_by", "resolved_at"]
    list_select_related = ["slo", "organization", "acknowledged_by"]
    list_filter = [OneOrganization, StateFilter, "severity", "alert_type", SLOFilter]
    search_fields = ["title", "subject"]
    date_hierarchy = "breached_at"
    ordering = ["-breached_at"]
    sortable_by = ["breached_at"]
    list_per_page = 50
    paginator = NewestOnly
    actions = ["acknowledge", "resolve"]
    fieldsets = [
        (None, {"fields": ["on_the_page", "severity", "state", "alert_type", "slo", "subject", "message"]}),
        ("Figures", {"fields": ["current_value", "target_value", "measurement"]}),
        ("Times", {"fields": ["breached_at", "reopened_at", "reopenings", "updated_at"]}),
        ("People", {"fields": ["acknowledged_at", "acknowledged_by", "assigned_to", "snoozed_until"]}),
        ("End", {"fields": ["resolved_at", "resolved_by", "resolution", "resolution_notes"]}),
        ("History", {"fields": ["timeline", "deliveries"]}),
    ]

    @admin.display
    def state(self, alert: SLOAlert) -> str:
        return alert.state

    @admin.display(description="page")
    def on_the_page(self, alert: SLOAlert) -> str:
        return format_html('<a href="{}">{}</a>', reverse("alert", args=[alert.pk]), alert.title)

    @admin.display
    def timeline(self, alert: SLOAlert) -> str:
        return _lines(
            f"{_local(event.at)} {event.get_kind_display()}"
            + (f" by {event.actor}" if event.actor else "")
            + (f", {event.get_channel_display()}" if event.channel != AlertEvent.Channel.SYSTEM else "")
            + (f": {event.note}" if event.note else "")
            for event in inbox.timeline(alert)
        )

    @admin.display
    def deliveries(self, alert: SLOAlert) -> str:
        return _lines(
            f"{_local(row.created_at)} {row.get_reason_display()} to {row.target or row.channel} by {row.channel}: "
            + (row.message.get_state_display() if row.message else row.get_state_display())
            + (f", {row.message.attempt} attempts" if row.message and row.message.attempt > 1 else "")
            + (f", {row.message.error}" if row.message and row.message.error else "")
            for row in inbox.told(alert)
        )

    # --- acts ------------------------------------------------------------------------------------------------

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Role.OPERATOR)

    @admin.action(description="Acknowledge selected alerts", permissions=["operate"])
    def acknowledge(self, request: HttpRequest, chosen: QuerySet[SLOAlert]) -> None:
        self._act(request, chosen, lifecycle.acknowledge, "acknowledged")

    @admin.action(description="Resolve selected alerts", permissions=["operate"])
    def resolve(self, request: HttpRequest, chosen: QuerySet[SLOAlert]) -> None:
        self._act(request, chosen, lifecycle.resolve, "resolved")

    def _act(
        self, request: HttpRequest, chosen: QuerySet[SLOAlert], verb: Callable[..., lifecycle.Done], word: str
    ) -> None:
        """Each alone: who was faster is said of each."""
        by, done = By(request.user, AlertEvent.Channel.ADMIN, request), 0  # type: ignore[arg-type]
        for alert in chosen:
            if not self.may(request, Role.OPERATOR, alert):
                continue
            try:
                _, changed = verb(alert, by=by, now=timezone.now())
            except Conflict as conflict:
                self.message_user(request, f"{alert}: {conflict.text}", messages.WARNING)
                continue
            done += changed
            if changed:
                self.log_change(request, alert, word.capitalize() + ".")
        self.message_user(request, f"{done} of {len(chosen)} alerts {word}.", messages.SUCCESS)


@admin.register(Incident)
class IncidentAdmin(ByRole):
    list_display = ["alert", "owner", "opened_at", "closed_at"]
    list_select_related = ["alert", "owner"]
    list_filter = [OneOrganization]
    date_hierarchy = "opened_at"
    paginator = NewestOnly
    fields = ["on_the_page", "owner", "opened_at", "closed_at", "checklist"]

    @admin.display(description="alert")
    def on_the_page(self, incident: Incident) -> str:
        return format_html('<a href="{}">{}</a>', reverse("alert", args=[incident.alert_id]), incident.alert.title)

    @admin.display
    def checklist(self, incident: Incident) -> str:
        return _lines(
            f"☑ {item.text} ({item.done_by}, {_local(item.done_at)})" if item.done_at else f"☐ {item.text}"
            for item in incident.items.select_related("done_by")
        )


def _lines(texts: Any) -> str:
    return format_html_join("", "{}<br>", ((text,) for text in texts)) or "none"


def _local(at: Any) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
