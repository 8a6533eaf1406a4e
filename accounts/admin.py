"""Users, memberships and API tokens."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelChoiceField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts import access, signin, tokens
from accounts.admin_access import SUPERUSER, ByRole, Role, organizations, people, within
from accounts.admin_lists import OrganizationFilter
from accounts.models import ApiToken, Membership, User

admin.site.unregister(Group)  # roles say who may do what


class MembershipFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data.get("role") and not form.cleaned_data.get("DELETE")]
        if not kept and not self.by_superuser:  # type: ignore[attr-defined]
            raise ValidationError("Add a membership: without one you could not see this user any more.")


class MembershipInline(admin.StackedInline):
    model = Membership
    formset = MembershipFormSet
    extra = 0
    verbose_name_plural = "memberships: what this person may do where"

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        found = super().get_formset(request, obj, **kwargs)
        found.by_superuser = request.user.is_superuser  # type: ignore[attr-defined]
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).filter(organization__in=organizations(request, Role.ADMIN))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> ModelChoiceField | None:
        kwargs["queryset"] = organizations(request, Role.ADMIN)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every row shown is of an organisation that the user administers."""
        limit = within(request, Role.ADMIN)
        return limit is None or bool(limit)

    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = _may


@admin.register(User)
class PortalUserAdmin(ByRole, UserAdmin):
    """An organisation's admin changes a user only where nobody else's organisation is touched by it."""

    sees = changes = adds = Role.ADMIN
    deletes = SUPERUSER
    inlines = [MembershipInline]
    list_display = ["username", "email", "first_name", "last_name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    filter_horizontal = ()
    readonly_fields = ["last_login", "date_joined"]
    RIGHTS = ["is_active", "is_staff"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        rights = [*self.RIGHTS, "is_superuser"] if request.user.is_superuser else self.RIGHTS
        secret = ["password"] if self.has_change_permission(request, obj) else []
        return [
            (None, {"fields": ["username", *secret]}),
            ("Person", {"fields": ["first_name", "last_name", "email", "phone"]}),
            ("Rights", {"fields": rights}),
            ("Dates", {"fields": ["last_login", "date_joined"]}),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return people(request).order_by("username")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            signin.end_sessions(obj)  # else they would go on when the user is active again

    def organizations_of(self, obj: User) -> Sequence[UUID]:
        return list(obj.memberships.values_list("organization", flat=True))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.sees)  # get_queryset has found no others

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)


@admin.register(Membership)
class MembershipAdmin(ByRole):
    sees = changes = adds = deletes = Role.ADMIN
    list_display = ["user", "organization", "role"]
    list_select_related = ["user", "organization"]
    list_filter = [OrganizationFilter, "role"]
    search_fields = ["user__username", "user__email"]
    ordering = ["organization__slug", "user__username"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user", "organization"] if obj else []


class TokenForm(ModelForm):
    """Issues the token; what was issued carries its secret for the one page that shows it."""

    class Meta:
        model = ApiToken
        fields = ["user", "organization", "name", "scope", "expires_at"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        if (expires := given.get("expires_at")) and expires <= timezone.now():
            self.add_error("expires_at", "This is over already. Leave it empty, or name a moment to come.")
        if given.keys() >= {"user", "organization", "scope"}:
            self._clean_reach(given["user"], given["organization"], given["scope"])
        return given

    def _clean_reach(self, user: User, organization: Any, scope: str) -> None:
        reach = access.of_token(ApiToken(user=user, organization=organization, scope=scope))
        if reach is None:
            self.add_error("user", f"{user} is no member of {organization}. Add a membership first.")
        elif not reach.allows(scope):
            self.add_error("scope", f"The role of {user} in {organization} reaches no further than “{reach.scope}”.")

    def save(self, commit: bool = True) -> ApiToken:
        token, secret = tokens.issue(**self.cleaned_data)
        token.secret = secret  # type: ignore[attr-defined]
        return token


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
    form = TokenForm
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
