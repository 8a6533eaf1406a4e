"""Organisations, and when the work is done: the rows that beat reads."""

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from accounts import downloads
from accounts.admin_access import SUPERUSER, ByRole, Role
from accounts.models import Organization
from accounts.when_needed import when_needed
from slo_portal import schedule
from slo_portal.organizations import set_up
from slos.models import Period

OURS = "slo_portal.tasks."
CONFIGURATION = "accounts_organization_configuration"
PAGES = "slo_portal.config.pages"
for foreign in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(foreign)  # as they come, they let any staff run any task


@admin.register(Organization)
class OrganizationAdmin(ByRole):
    """Adding one sets it up; none is ever deleted, as its figures would go with it."""

    organization_path = "pk"
    changes = Role.ADMIN
    adds = SUPERUSER
    list_display = ["name", "slug", "time_zone", "is_active", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "slug"]
    fields = ["name", "slug", "time_zone", "fiscal_year_start", "fiscal_weeks", "require_totp", "is_active"]

    def organizations_of(self, obj: Organization) -> list[Any]:
        return [obj.pk]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = ["slug"] if obj else []  # schedules and commands name it
        return fixed if request.user.is_superuser else [*fixed, "is_active"]

    def get_urls(self) -> list[URLPattern]:
        compare = self.admin_site.admin_view(self.configuration_view)
        return [path("<path:object_id>/configuration/", compare, name=CONFIGURATION), *super().get_urls()]

    def configuration_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What differs from the file; files to take away, and objectives to take in from OpenSLO."""
        organization = self.get_object(request, object_id)
        if organization is None:
            raise Http404
        if not self.may(request, Role.EDITOR, organization):
            raise PermissionDenied
        pages = when_needed(PAGES)
        place = pages.place(organization, request, now=timezone.now())
        if wanted := request.GET.get("export"):
            return self._export(request, organization, wanted)
        taken = pages.taken_in(request.POST, request.FILES, place, now=timezone.now())
        if taken.done:
            self.message_user(request, f"Taken in: {taken.summary}", messages.SUCCESS)
            return HttpResponseRedirect(reverse(f"admin:{CONFIGURATION}", args=[organization.pk]))
        context = {**self.admin_site.each_context(request), "title": f"Configuration of {organization}"}
        context |= {"opts": self.opts, "original": organization, "taken": taken, "drift": pages.drift(place)}
        return TemplateResponse(request, "admin/accounts/organization/configuration.html", context)

    def _export(self, request: HttpRequest, organization: Organization, wanted: str) -> HttpResponse:
        exports = when_needed(PAGES).EXPORTS
        if wanted not in exports:
            raise Http404
        name, text = exports[wanted](organization)
        return downloads.yaml(request, name, text, organization=organization, now=timezone.now())

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            created = set_up(obj, now=timezone.now())
            text = f"{obj} has {created} objectives and a schedule. Next, add memberships for its people."
            self.message_user(request, text, messages.INFO)


def tasks() -> dict[str, Callable[..., None]]:
    """The portal's own tasks by name; nothing else may be scheduled."""
    app = when_needed("slo_portal.celery").app
    app.loader.import_default_modules()
    return {name: task.run for name, task in sorted(app.tasks.items()) if name.startswith(OURS)}


def names() -> Iterator[tuple[str, str]]:
    yield from ((name, name.removeprefix(OURS)) for name in tasks())


class PeriodicTaskForm(forms.ModelForm):
    """One of our tasks, with arguments that it understands, by exactly one kind of schedule."""

    class Meta:
        labels = {"interval": "Interval", "crontab": "Crontab", "start_time": "Not before", "expires": "Not after"}
        labels |= {"one_off": "Once only"}
        help_texts = {
            "name": "Unique; the portal finds its own tasks again by their names.",
            "enabled": "Off: not done until it is switched on again. The portal never switches it back.",
            "interval": "Every so often. An interval or a crontab, one of the two.",
            "crontab": "At set minutes, hours or days. Beat notices a change within seconds.",
            "start_time": "Empty: from now on.",
            "expires": "Empty: for ever.",
            "one_off": "Done once and then switched off.",
            "description": "What it is for.",
        }

    task = forms.ChoiceField(choices=names, help_text="What is done; only the portal's own tasks can be.")
    kwargs = forms.CharField(
        label="Arguments",
        required=False,
        initial="{}",
        widget=forms.TextInput({"size": 70}),
        help_text='As JSON. Only measurement takes any: {"period": "daily", "organization": "default"}.',
    )

    def clean_kwargs(self) -> str:
        try:
            given = json.loads(self.cleaned_data["kwargs"] or "{}")
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise forms.ValidationError('Enter a JSON object, such as {"period": "daily", "organization": "default"}.')
        return json.dumps(given)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.keys() >= {"task", "kwargs"} and (wrong := misfit(given["task"], json.loads(given["kwargs"]))):
            self.add_error("kwargs", wrong)
        if (given.get("interval") is None) == (given.get("crontab") is None) and not self.errors:
            self.add_error("interval", "Choose an interval or a crontab, one of the two.")
        return given

    def validate_unique(self) -> None:
        """The model's own complaint about the kinds of schedule names kinds that we do not offer."""
        if not self.errors:
            super().validate_unique()


def misfit(task: str, arguments: dict[str, Any]) -> str | None:
    """Why the task could not run with these arguments."""
    try:
        inspect.signature(tasks()[task]).bind(**arguments)
    except TypeError as error:
        return f"{task.removeprefix(OURS)}: {error}."
    if arguments.get("period", Period.DAILY) not in Period.values:
        return f"period is one of {', '.join(Period.values)}."
    slug = arguments.get("organization")
    if slug is not None and not Organization.objects.filter(slug=str(slug)).exists():
        return f"There is no organisation {slug!r}; use its short name."
    return None


class ForSuperusers(ByRole):
    """One schedule may serve every organisation."""

    sees = changes = adds = deletes = SUPERUSER


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ForSuperusers):
    form = PeriodicTaskForm
    list_display = ["name", "enabled", "interval", "crontab", "kwargs", "last_run_at"]
    list_select_related = ["interval", "crontab", "solar", "clocked"]
    list_filter = ["enabled", "task"]
    search_fields = ["name"]
    ordering = ["name"]
    readonly_fields = ["last_run_at", "total_run_count"]
    fieldsets = [
        (None, {"fields": ["name", "task", "kwargs", "enabled", "description"]}),
        ("When", {"fields": ["interval", "crontab", "start_time", "expires", "one_off"]}),
        ("So far", {"fields": ["last_run_at", "total_run_count"]}),
    ]
    actions = ["switch_on", "switch_off"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.action(description="Switch on")
    def switch_on(self, request: HttpRequest, chosen: Any) -> None:
        self._switch(request, chosen, True)

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, chosen: Any) -> None:
        self._switch(request, chosen, False)

    def _switch(self, request: HttpRequest, chosen: Any, enabled: bool) -> None:
        for task in chosen:  # by save(), which tells beat
            task.enabled = enabled
            task.save()
            self.log_change(request, task, "Switched on." if enabled else "Switched off.")
        self.message_user(request, f"{len(chosen)} tasks switched {'on' if enabled else 'off'}.", messages.SUCCESS)


class ScheduleForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors and not schedule.comes(self._meta.model(**given), now=timezone.now()):
            raise forms.ValidationError("There is no such moment. Check the numbers and try again.")
        return given


class IntervalForm(ScheduleForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = [choice for choice in IntervalSchedule.PERIOD_CHOICES if choice[0] != IntervalSchedule.MICROSECONDS]
        self.fields["period"] = forms.ChoiceField(choices=kept, help_text=self.fields["period"].help_text)


class ScheduleAdmin(ForSuperusers):
    form = ScheduleForm
    readonly_fields = ["used_by"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Its tasks would be deleted with it."""
        return super().has_delete_permission(request, obj) and obj is not None and not obj.periodictask_set.exists()

    @admin.display(description="used by")
    def used_by(self, when: Any) -> str:
        found = list(when.periodictask_set.order_by("name").values_list("name", flat=True)) if when.pk else []
        return ", ".join(found) + ": all of them follow a change made here" if found else "no task yet"


@admin.register(IntervalSchedule)
class IntervalAdmin(ScheduleAdmin):
    form = IntervalForm
    fields = ["every", "period", "used_by"]
    list_display = ["__str__", "every", "period"]


@admin.register(CrontabSchedule)
class CrontabAdmin(ScheduleAdmin):
    fields = ["minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "human_readable", "used_by"]
    readonly_fields = ["human_readable", "used_by"]
    list_display = ["human_readable", "minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone"]
