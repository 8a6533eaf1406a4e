"""Who sees and changes what in the admin: the role in an organisation decides, not Django's own permissions.

Django's `is_staff` lets a person in; a superuser may do everything that a page offers, everywhere.
"""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Field, ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts import access
from accounts.admin_audit import Audited
from accounts.models import Membership, Organization, User

Role = Membership.Role
SUPERUSER = "superuser"  # above every role: no membership reaches it
RANKS = {role: rank for rank, role in enumerate([*Role.values, SUPERUSER])}


def within(request: HttpRequest, role: str) -> set[UUID] | None:
    """The organisations in which the user has at least this role; None: no limit."""
    if request.user.is_superuser:
        return None
    return {one.organization_id for one in access.memberships(request) if RANKS[one.role] >= RANKS[role]}


def organizations(request: HttpRequest, role: str) -> QuerySet[Organization]:
    limit = within(request, role)
    return Organization.objects.all() if limit is None else Organization.objects.filter(pk__in=limit)


def people(request: HttpRequest) -> QuerySet[User]:
    """The members of the organisations that the user administers."""
    limit = within(request, Role.ADMIN)
    if limit is None:
        return User.objects.all()
    return User.objects.filter(pk__in=Membership.objects.filter(organization__in=limit).values("user"))


# The browser's own inputs: those of the admin have no labels.
DATE_TIME = forms.DateTimeInput({"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S")
YEAR = re.compile(r"[12][0-9]{3}")  # the date hierarchy fails at the end of time
DATE = forms.DateInput({"type": "date"}, format="%Y-%m-%d")


class ByRole(Audited):
    """Rows of the user's organisations only, and what the user's role there allows. None: nobody may."""

    organization_path = "organization"  # from the model to its organisation
    sees: str = Role.VIEWER
    changes: str | None = None
    adds: str | None = None
    deletes: str | None = None
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count the whole table once more for every choice
    formfield_overrides = {
        models.DateTimeField: {"form_class": forms.DateTimeField, "widget": DATE_TIME},
        models.DateField: {"widget": DATE},
        models.TextField: {"widget": forms.Textarea({"rows": 3, "cols": 80})},
    }

    def may(self, request: HttpRequest, role: str | None, obj: Any = None) -> bool:
        if role is None:
            return False
        limit = within(request, role)
        if limit is None or obj is None:
            return limit is None or bool(limit)
        found = set(self.organizations_of(obj))
        return bool(found) and found <= limit

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.sees, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.changes, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.adds)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.deletes, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found, limit = super().get_queryset(request), within(request, self.sees)
        if limit is not None and not limit:
            return found.none()  # also of what belongs to no organisation
        return found if limit is None else found.filter(**{f"{self.organization_path}__in": limit})

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        model = db_field.remote_field.model
        if model is Organization and (role := self.adds or self.changes):
            kwargs["queryset"] = organizations(request, role)
        elif model is User:
            kwargs["queryset"] = people(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        found = access.of_request(request)
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"organization": found.organization.pk, **given} if found else given

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what the page itself offers: else a hidden column could be guessed letter by letter."""
        name, _, part = lookup.partition("__")
        offered = {_parameter(item) for item in self.get_list_filter(request)} | {self.date_hierarchy}
        if name not in offered or "\0" in str(value) or (part == "year" and not YEAR.fullmatch(str(value))):
            return False
        return super().lookup_allowed(lookup, value, request)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """A key that cannot be one is that of no row; Django fails."""
        try:
            return super().response_action(request, queryset, *args, **kwargs)
        except ValidationError:
            self.message_user(request, "One of the chosen rows does not exist. Nothing was changed.", messages.ERROR)
            return None

    def changeable(self, request: HttpRequest, chosen: QuerySet[Any]) -> list[Any]:
        """What an action may touch: the list may also show rows that the user may only read."""
        return [obj for obj in chosen if self.has_change_permission(request, obj)]


def _parameter(item: Any) -> str:
    if isinstance(item, type):
        return str(item.parameter_name)  # type: ignore[attr-defined]
    field = item[0] if isinstance(item, tuple) else item
    return field.name if isinstance(field, Field) else str(field)
