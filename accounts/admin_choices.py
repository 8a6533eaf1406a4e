"""What forms offer: only what belongs to the organisation that a thing is of."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.admin_access import ByRole, Role, organizations
from accounts.models import Membership, User


def of_organizations(model: type[Model], found: Any) -> QuerySet[Any]:
    """The objects of organisations; of users, their members."""
    if model is User:
        return User.objects.filter(pk__in=Membership.objects.filter(organization__in=found).values("user"))
    return model._default_manager.filter(organization__in=found)


class OfOne(forms.ModelForm):
    """Of an object that exists only the things of its organisation are offered; of a new one all are of one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organization = getattr(self.instance, "organization_id", None)
        if organization:
            limit_to(self, organization)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        organization = given.get("organization")
        if organization is not None and self.instance._state.adding:
            self._refuse_strangers(organization.pk)
        return given

    def _refuse_strangers(self, organization: UUID) -> None:
        for name in limited(self):
            chosen = self.cleaned_data.get(name)
            found = [chosen] if isinstance(chosen, Model) else list(chosen or [])
            if not found:
                continue
            known = of_organizations(type(found[0]), [organization])
            if known.filter(pk__in=[one.pk for one in found]).count() < len(found):
                self.add_error(name, "Choose what belongs to the organisation above.")

    def _get_validation_exclusions(self) -> set[str]:
        """A name is unique in its organisation, also where the form does not show the organisation."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"organization"}


def limited(form: forms.ModelForm) -> list[str]:
    """The fields that choose something of an organisation."""
    return [name for name, field in form.fields.items() if isinstance(field, forms.ModelChoiceField) and name in SHARED]


SHARED = {"owner", "user", "slos", "channels", "on_call", "people"}


def limit_to(form: forms.ModelForm, organization: UUID) -> None:
    for name in limited(form):
        field: Any = form.fields[name]
        field.queryset = of_organizations(field.queryset.model, [organization])


class Limited(ByRole):
    """For whoever may change such rows in several organisations."""

    form = OfOne

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in SHARED:
            kwargs["queryset"] = self._offered(db_field, request)
            return super(ByRole, self).formfield_for_foreignkey(db_field, request, **kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self._offered(db_field, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _offered(self, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        return of_organizations(db_field.remote_field.model, organizations(request, self.changes or Role.ADMIN))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = ["organization"] if obj else []
        return [*super().get_readonly_fields(request, obj), *fixed]
