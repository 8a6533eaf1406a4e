"""Reports, to find one and to mail it again. They stay as they were made."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin_access import ByRole, Role
from accounts.admin_lists import OrganizationFilter
from slo_portal.reports import writing
from slo_portal.reports.models import Report


@admin.register(Report)
class ReportAdmin(ByRole):
    list_display = ["title", "kind", "period_start", "period_end", "created_at", "created_by"]
    list_select_related = ["created_by"]
    list_filter = [OrganizationFilter, "kind"]
    list_per_page = 50
    ordering = ["-created_at"]
    sortable_by = ["created_at"]
    actions = ["send_again"]
    fields = ["title", "page", "headline", "period_start", "period_end", "filters", "created_at", "created_by"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return super().get_queryset(request).defer("content")

    @admin.display
    def page(self, report: Report) -> str:
        return format_html('<a href="{}">As it was made</a>', reverse("report", args=[report.pk]))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Role.OPERATOR)

    @admin.action(description="Mail selected reports again to the operations team", permissions=["operate"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Report]) -> None:
        sent = 0
        for report in chosen:
            if self.may(request, Role.OPERATOR, report) and writing.send_again(report, now=timezone.now()):
                sent += 1
                self.log_change(request, report, "Mailed again.")
        level = messages.SUCCESS if sent else messages.WARNING
        why = "" if sent else " No channel of the operations team takes e-mail."
        self.message_user(request, f"{sent} of {len(chosen)} reports are mailed again.{why}", level)
