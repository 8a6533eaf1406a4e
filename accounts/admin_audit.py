"""What is done in the administration stands in the audit trail, with the old and the new values."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms.models import BaseModelFormSet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.models import Organization


class Audited(admin.ModelAdmin):
    """Writes to the audit trail wherever Django writes to its own log."""

    unlogged: Iterable[str] = ()  # fields whose values are secret though their names do not say so
    audited_as: Mapping[Action, Action] = {}  # where adding and changing have names of their own

    def organizations_of(self, obj: Any) -> Iterable[UUID]:
        found = getattr(obj, "organization_id", None)
        return [found] if found else []

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        changes = [
            *(given(form) if add else changed(form)),
            *(one for formset in formsets or () for one in changed_rows(formset)),
        ]
        request._changes = {  # type: ignore[attr-defined]
            name: [audit.HIDDEN] * 2 if name in self.unlogged else pair for name, pair in changes
        }
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, Action.ADDED, obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, Action.CHANGED, obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._note(request, Action.DELETED, obj)
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, action: Action, obj: Model, message: Any = "") -> None:
        audit.record(
            self.audited_as.get(action, action),
            now=timezone.now(),
            request=request,
            organization=Organization.objects.filter(pk__in=list(self.organizations_of(obj))).first(),
            on=obj,
            changes=request.__dict__.pop("_changes", None),
            note=message if isinstance(message, str) else "",
        )


def given(form: forms.BaseForm) -> Iterator[tuple[str, list[Any]]]:
    """All that a new object was given."""
    return ((name, [None, value]) for name, value in form.cleaned_data.items() if value not in (None, ""))


def changed(form: forms.BaseForm) -> Iterator[tuple[str, list[Any]]]:
    """What was typed, and what stood there before."""
    for name in form.changed_data:
        field = form.fields.get(name)
        old, new = form.get_initial_for_field(field, name) if field else None, form.cleaned_data.get(name)
        if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
            old = field.queryset.filter(pk=old).first() if old else None  # type: ignore[union-attr]
        yield name, [old, new]


def changed_rows(formset: BaseModelFormSet) -> Iterator[tuple[str, list[Any]]]:
    """The same of the rows inside a form: those added, changed and deleted."""
    for form in formset.forms:
        if form in formset.deleted_forms:
            yield f"{form.instance._meta.verbose_name}: {form.instance}", ["there", None]
        elif form.has_changed():
            for name, pair in changed(form):
                yield f"{form.instance._meta.verbose_name} {form.instance}: {name}", pair
