"""API tokens."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts import tokens
from accounts.admin_access import ByRole, Role
from accounts.admin_lists import OrganizationFilter
from accounts.audit import Action
from accounts.forms import TokenForm
from accounts.models import ApiToken


class AdminTokenForm(TokenForm):
    def clean(self) -> dict[str, Any]:
        if (expires := self.cleaned_data.get("expires_at")) and expires <= timezone.now():
            self.add_error("expires_at", "This is over already. Leave it empty, or name a moment to come.")
        return super().clean()


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in ("usable", "expired", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "usable":
                return queryset.usable(now)  # type: ignore[attr-defined]
            case "expired":
                return queryset.filter(revoked_at=None, expires_at__lte=now)
            case "revoked":
                return queryset.exclude(revoked_at=None)
        return queryset


@admin.register(ApiToken)
class ApiTokenAdmin(ByRole):
    """Made, looked at and revoked here; nothing of a token is ever edited."""

    sees = adds = Role.ADMIN
    form = AdminTokenForm
    audited_as = {Action.ADDED: Action.TOKEN_MADE, Action.CHANGED: Action.TOKEN_REVOKED}
    list_display = ["name", "shown_prefix", "user", "organization", "scope", "state", "last_used_at", "expires_at"]
    list_select_related = ["user", "organization"]
    list_filter = [OrganizationFilter, StateFilter, "scope"]
    search_fields = ["name", "prefix", "user__username"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # type: ignore[override]
        given = ["user", "organization", "name", "scope", "expires_at"]
        return [*given, "shown_prefix", "state", "created_at", "last_used_at", "revoked_at"] if obj else given

    @admin.display(description="token", ordering="prefix")
    def shown_prefix(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @admin.display
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at and token.expires_at <= timezone.now() else "usable"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        one_way = {"show_save_and_continue": False, "show_save_and_add_another": False}  # to the page with the secret
        return super().add_view(request, form_url, {**one_way, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has issued and stored it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing more to a token."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The secret is in this page and nowhere else: a message would put it into a cookie."""
        context = {**self.admin_site.each_context(request), "title": "API token made", "token": obj, "opts": self.opts}
        page = TemplateResponse(request, "admin/accounts/apitoken/issued.html", context)
        page["Cache-Control"] = "no-store"
        return page

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Role.ADMIN)

    @admin.action(description="Revoke selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        now, usable = timezone.now(), list(chosen.filter(revoked_at=None))
        for token in usable:
            tokens.revoke(token, now=now)
            self.log_change(request, token, "Revoked.")
        self.message_user(request, f"{len(usable)} of {len(chosen)} tokens revoked.", messages.SUCCESS)
