"""Invitations: made, taken back; the link is shown once to whoever invites."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts import invitations
from accounts.admin_access import ByRole, Role
from accounts.admin_lists import OrganizationFilter
from accounts.audit import Action
from accounts.models import Invitation


class InvitationForm(forms.ModelForm):
    class Meta:
        model = Invitation
        fields = ["organization", "email", "role"]


@admin.register(Invitation)
class InvitationAdmin(ByRole):
    sees = adds = Role.ADMIN
    form = InvitationForm
    audited_as = {Action.ADDED: Action.INVITED}
    list_display = ["email", "organization", "role", "state", "invited_by", "expires_at"]
    list_select_related = ["organization", "invited_by"]
    list_filter = [OrganizationFilter, "role"]
    search_fields = ["email"]
    actions = ["take_back"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # type: ignore[override]
        given = ["organization", "email", "role"]
        return (
            [*given, "state", "invited_by", "created_at", "expires_at", "accepted_by", "accepted_at"] if obj else given
        )

    @admin.display
    def state(self, invitation: Invitation) -> str:
        return invitation.state(timezone.now())

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The mail goes out when the row is safely stored: a slow mail server must not hold a transaction open."""
        one_way = {"show_save_and_continue": False, "show_save_and_add_another": False}  # to the page with the link
        page = super().add_view(request, form_url, {**one_way, **(extra_context or {})})
        if isinstance(page, TemplateResponse) and page.context_data and "link" in page.context_data:
            found = page.context_data
            found["is_sent"] = invitations.send(found["invitation"], found["link"])
        return page

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        made, request._link = invitations.invite(**given, by=request.user, now=timezone.now())  # type: ignore[attr-defined, arg-type]
        obj.__dict__.update(made.__dict__)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The link is in this page and in the mail, and nowhere else: a message would put it into a cookie."""
        link = request._link  # type: ignore[attr-defined]
        shown = {"title": "Invitation made", "invitation": obj, "link": link, "opts": self.opts}
        template = "admin/accounts/invitation/made.html"
        page = TemplateResponse(request, template, {**self.admin_site.each_context(request), **shown})
        page["Cache-Control"] = "no-store"
        return page

    def has_take_back_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Role.ADMIN)

    @admin.action(description="Take back selected invitations", permissions=["take_back"])
    def take_back(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> None:
        found = [invitation for invitation in chosen if invitations.revoke(invitation, now=timezone.now())]
        for invitation in found:
            self.log_change(request, invitation, "Taken back.")
        self.message_user(request, f"{len(found)} of {len(chosen)} invitations taken back.", messages.SUCCESS)
