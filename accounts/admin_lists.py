"""What keeps long lists of the admin fast, and each of them to the organisations that its reader may see."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import access
from accounts.admin_access import Role, organizations


class OrganizationFilter(admin.SimpleListFilter):
    """The user's organisations; hidden where there is only one."""

    title = "organisation"
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        found = organizations(request, getattr(model_admin, "sees", Role.VIEWER))
        return [(str(pk), name) for pk, name in found.values_list("pk", "name")]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in dict(self.lookup_choices):
            raise IncorrectLookupParameters(f"There is no organisation {value!r}.")
        return queryset.filter(organization=value)


def chosen_organization(request: HttpRequest) -> str | None:
    """The one that the page was asked for, else the user's own."""
    found = access.of_request(request)
    return request.GET.get(OrganizationFilter.parameter_name) or (str(found.organization.pk) if found else None)


class OneOrganization(OrganizationFilter):
    """For large tables: always exactly one, because each of their indexes begins with the organisation."""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: admin.ModelAdmin) -> None:
        super().__init__(request, params, model, model_admin)
        self.used_parameters[self.parameter_name] = chosen_organization(request) or ""

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        _, *each = super().choices(changelist)  # without "All"
        yield from each


class NewestOnly(Paginator):
    """Counts and pages no further than `most` rows: what lies deeper is found by filters, not by leafing."""

    most = 10_000

    @cached_property
    def found(self) -> int:
        rows: int = self.object_list.order_by()[: self.most + 1].count()  # type: ignore[attr-defined]
        return rows

    @property
    def more(self) -> bool:
        return self.found > self.most

    @cached_property
    def count(self) -> int:
        return min(self.found, self.most)
