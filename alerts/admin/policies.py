"""Who is told when: escalation policies, rotas and silences."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.admin_access import Role
from accounts.admin_choices import Limited, OfOne, limit_to
from accounts.admin_lists import OrganizationFilter
from accounts.models import User
from alerts import silences
from alerts.models import EscalationPolicy, EscalationStep, Rota, RotaMember, RotaOverride, Silence

WEEKS = 5
CHOSEN = ("channels", "on_call", "people")
TIME = forms.TimeInput({"type": "time"}, format="%H:%M")


class PartForm(forms.ModelForm):
    """One part of a policy or rota; `whole` is what it is a part of."""

    def __init__(self, *args: Any, whole: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if whole.organization_id:
            limit_to(self, whole.organization_id)


class PartFormSet(forms.BaseInlineFormSet):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "whole": self.instance}


class Part(admin.StackedInline):
    """Shown once the whole is saved, and so its organisation is known; who may change that changes its parts."""

    form = PartForm
    formset = PartFormSet
    extra = 0
    formfield_overrides = Limited.formfield_overrides

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        whole: Any = self.admin_site.get_model_admin(self.parent_model)
        allowed: bool = whole.has_change_permission(request, obj)
        return allowed

    has_add_permission = has_change_permission = has_delete_permission = _may

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # who sees the whole sees its parts


class Whole(Limited):
    changes = adds = deletes = Role.EDITOR
    list_filter = [OrganizationFilter]
    search_fields = ["name"]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Its parts come next."""
        self.message_user(request, f"“{obj}” is there. Now say more below.", messages.SUCCESS)
        name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[obj.pk]))


class StepInline(Part):
    model = EscalationStep
    verbose_name_plural = "steps"
    fieldsets = [
        (None, {"fields": ["position", "delay_minutes"]}),
        ("Told are", {"fields": [*("to_operations", "to_owner", "to_email", "to_slack", "to_everybody"), *CHOSEN]}),
    ]


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(Whole):
    inlines = [StepInline]
    fields = ["organization", "name", "severity", "slos", "repeat_minutes"]
    list_display = ["name", "severity", "steps_in_words", "repeat_minutes"]
    list_filter = [OrganizationFilter, "severity"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EscalationPolicy]:
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description="steps")
    def steps_in_words(self, policy: EscalationPolicy) -> str:
        delays = [step.delay_minutes for step in policy.steps.all()]
        return ", ".join(f"after {delay} min" if delay else "at once" for delay in delays) or "none: nobody is told"


class MemberInline(Part):
    model = RotaMember
    verbose_name_plural = "members, in turn"


class OverrideInline(Part):
    model = RotaOverride
    verbose_name_plural = "overrides: somebody else for a while"


@admin.register(Rota)
class RotaAdmin(Whole):
    inlines = [MemberInline, OverrideInline]
    list_display = ["name", "on_call", "handover_day", "handover_at"]
    readonly_fields = ["coming"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # type: ignore[override]
        given = ["organization", "name", "starts_on", "handover_day", "handover_at"]
        return [*given, "coming"] if obj else given

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "coming"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "handover_at":
            return db_field.formfield(form_class=forms.TimeField, widget=TIME)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rota]:
        related = ("members__user", "overrides__user")
        return super().get_queryset(request).select_related("organization").prefetch_related(*related)

    @admin.display(description="on call now")
    def on_call(self, rota: Rota) -> str:
        who = rota.schedule(rota.organization.time_zone).on_call(timezone.now())
        return str(_people(rota).get(who, "nobody"))

    @admin.display(description="the next weeks")
    def coming(self, rota: Rota) -> str:
        zone, people = rota.organization.time_zone, _people(rota)
        shifts = rota.schedule(zone).shifts(start=timezone.now(), weeks=WEEKS)
        lines = [(shift.end.astimezone(zone), people.get(shift.who, "nobody")) for shift in shifts]
        return "\n".join(f"until {end:%a %Y-%m-%d %H:%M}: {who}" for end, who in lines)


def _people(rota: Rota) -> dict[Any, User]:
    rows: list[Any] = [*rota.members.all(), *rota.overrides.all()]
    return {row.user_id: row.user for row in rows}


class SilenceForm(OfOne):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "owner" in self.fields:
            self.fields["owner"].required = True

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | {"end"}  # alerts.silences says better what is wrong with it

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.instance.organization_id:
            return
        for field, text in silences.wrong(self.instance).items():
            self.add_error(field if field in self.fields else None, text)


class HoldsNow(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("coming", "Holds or comes"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"coming", "over"}:
            return queryset
        now, known = timezone.now(), queryset.select_related("organization")
        coming = [silence.pk for silence in known if silences.coming(silence, now=now)]
        return queryset.filter(pk__in=coming) if self.value() == "coming" else queryset.exclude(pk__in=coming)


@admin.register(Silence)
class SilenceAdmin(Limited):
    """Never deleted: what was silent when is a part of the record."""

    changes = adds = Role.OPERATOR
    form = SilenceForm
    list_display = ["reason", "state", "owner", "start", "end", "rrule"]
    list_select_related = ["owner", "organization"]
    list_filter = [OrganizationFilter, HoldsNow]
    search_fields = ["reason"]
    actions = ["end_now"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # type: ignore[override]
        given = ["organization", "reason", "owner", "slos", "start", "end", "rrule"]
        return [*given, "coming", "ended_at", "ended_by"] if obj else given

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "coming", "ended_at", "ended_by"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.ended_at is None)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    @admin.display
    def state(self, silence: Silence) -> str:
        now = timezone.now()
        if silence.ended_at:
            return "ended early"
        coming = silences.coming(silence, now=now, most=1)
        if not coming:
            return "over"
        return "holds" if coming[0][0] <= now else "to come"

    @admin.display(description="the next times")
    def coming(self, silence: Silence) -> str:
        zone = silence.organization.time_zone
        found = silences.coming(silence, now=timezone.now())
        local = [(start.astimezone(zone), end.astimezone(zone)) for start, end in found]
        return "\n".join(f"{start:%a %Y-%m-%d %H:%M} to {end:%a %H:%M}" for start, end in local) or "none"

    @admin.action(description="End selected silences now", permissions=["change"])
    def end_now(self, request: HttpRequest, chosen: QuerySet[Silence]) -> None:
        ended = 0
        for silence in self.changeable(request, chosen):
            if silences.end_now(silence, by=request.user, now=timezone.now()):  # type: ignore[arg-type]
                ended += 1
                self.log_change(request, silence, "Ended.")
        self.message_user(request, f"{ended} of {len(chosen)} silences ended.", messages.SUCCESS)
