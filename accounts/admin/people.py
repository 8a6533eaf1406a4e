"""Users and memberships."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelChoiceField
from django.http import HttpRequest

from accounts import second_factor, signin
from accounts.admin_access import SUPERUSER, ByRole, Role, organizations, people, within
from accounts.admin_lists import OrganizationFilter
from accounts.models import Membership, User

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
    readonly_fields = ["last_login", "date_joined", "totp_since"]
    actions = ["remove_second_factor", "sign_out"]
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
            ("Dates", {"fields": ["last_login", "date_joined", "totp_since"]}),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return people(request).order_by("username")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            signin.end_sessions(obj)  # else they would go on when the user is active again

    @admin.action(description="Remove the second factor (telephone lost)")
    def remove_second_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        found = [user for user in self.changeable(request, chosen) if user.totp_since]
        for user in found:
            second_factor.remove(user)
            self.log_change(request, user, "Second factor removed.")
        self.message_user(request, f"Second factor removed from {len(found)} of {len(chosen)} users.", messages.SUCCESS)

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        found = self.changeable(request, chosen)
        for user in found:
            signin.end_sessions(user)
            self.log_change(request, user, "Signed out everywhere.")
        self.message_user(request, f"{len(found)} of {len(chosen)} users signed out.", messages.SUCCESS)

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
