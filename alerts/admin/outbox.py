"""The outbox: what is on its way, what has arrived and what has not; and the local mailbox."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from accounts.admin_access import ByRole, Role
from accounts.admin_lists import NewestOnly, OneOrganization, OrganizationFilter
from alerts import channels
from alerts.models import Mail, Message, Notification
from slos import words


class Outbox(ByRole):
    sees = Role.OPERATOR
    list_per_page = 50
    paginator = NewestOnly


@admin.register(Message)
class MessageAdmin(Outbox):
    list_display = ["__str__", "state", "age", "attempt", "next_attempt_at", "sent_at", "error"]
    list_select_related = ["channel"]
    list_filter = [OneOrganization, "state", "severity", "urgent"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    sortable_by = ["age"]
    actions = ["try_again"]
    fields = [
        *("channel", "target", "state", "severity", "urgent", "content", "attempt", "unknowns", "error", "provider_id"),
        *("created_at", "next_attempt_at", "sent_at", "seconds"),
    ]

    @admin.display(ordering="created_at")
    def age(self, message: Message) -> str:
        return words.ago((timezone.now() - message.created_at).total_seconds())

    @admin.display
    def content(self, message: Message) -> str:
        rows = message.notifications.order_by("created_at", "id")
        return format_html_join("", "{}: {}<br>", ((row.get_reason_display(), row.title) for row in rows)) or "none"

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Role.OPERATOR)

    @admin.action(description="Try selected messages again now", permissions=["operate"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[Message]) -> None:
        tried = 0
        for message in chosen:
            if self.may(request, Role.OPERATOR, message) and channels.try_again(message, now=timezone.now()):
                tried += 1
                self.log_change(request, message, "Tried again.")
        text = f"{tried} of {len(chosen)} messages are tried again as soon as their channel takes them."
        self.message_user(request, text, messages.SUCCESS)


@admin.register(Notification)
class NotificationAdmin(Outbox):
    list_display = ["title", "reason", "state", "channel", "target", "created_at", "due_at"]
    list_select_related = ["channel"]
    list_filter = [OneOrganization, "state", "reason", "severity"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    sortable_by = ["created_at"]
    fields = [
        *("title", "text", "short", "reason", "severity", "state", "alert", "channel", "target", "message"),
        *("created_at", "due_at"),
    ]


@admin.register(Mail)
class MailAdmin(Outbox):
    """Mail that no SMTP server took, because none is set."""

    sees = Role.ADMIN
    list_display = ["subject", "target", "created_at"]
    list_filter = [OrganizationFilter]
    search_fields = ["subject", "target"]
    ordering = ["-created_at"]
    fields = ["subject", "target", "created_at", "text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("html")
