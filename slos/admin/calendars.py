"""Calendars of working hours: written as lines, and shown as the next four weeks before and after they are saved."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.admin_access import ByRole, Role
from accounts.admin_choices import OfOne
from accounts.admin_lists import OrganizationFilter
from kpis.workhours import week_words
from slos import working
from slos.models import WorkingCalendar

TRY = "_preview"
NEW = "zone {zone}\nMon-Fri 08:30-17:30\n"


class CalendarForm(OfOne):
    def is_valid(self) -> bool:
        """One that is only tried is not saved."""
        return super().is_valid() and TRY not in self.data


@admin.register(WorkingCalendar)
class WorkingCalendarAdmin(ByRole):
    changes = adds = deletes = Role.EDITOR
    form = CalendarForm
    change_form_template = "admin/slos/workingcalendar/change_form.html"
    list_display = ["name", "week", "updated_at"]
    list_filter = [OrganizationFilter]
    search_fields = ["name"]
    fields = ["organization", "name", "text"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["organization"] if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"text": NEW.format(zone="Europe/Berlin"), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: WorkingCalendar, form: Any, change: bool) -> None:
        working.save(obj)
        if names := ", ".join(slo.name for slo in working.objectives(obj)):
            text = f"Counted anew with the next calculation, as far back as invoices are kept: {names}."
            self.message_user(request, text, messages.INFO)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        calendar, form = context["original"], context["adminform"].form
        if TRY in request.POST:
            calendar = form.instance
        if calendar and not form.errors:  # a refused one bears what cannot be read
            context["weeks"] = working.coming_weeks(calendar, now=timezone.now())
            context["tried"] = TRY in request.POST
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Not while a clock keeps it."""
        calendar = self.get_object(request, object_id)
        names = ", ".join(slo.name for slo in working.objectives(calendar)) if calendar else ""
        if not calendar or not names or not self.has_delete_permission(request, calendar):
            return super().delete_view(request, object_id, extra_context)
        self.message_user(request, f"“{calendar}” is kept by {names}. Give these another clock first.", messages.ERROR)
        return HttpResponseRedirect(reverse("admin:slos_workingcalendar_change", args=[calendar.pk]))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None that deletes several: each is asked for who keeps it."""
        return {name: act for name, act in super().get_actions(request).items() if name != "delete_selected"}

    @admin.display(description="working hours")
    def week(self, calendar: WorkingCalendar) -> str:
        hours = calendar.hours.versions[-1]
        return f"{'; '.join(week_words(hours))} ({hours.zone})"
