"""The preview beside the form of an objective: the form is sent as it stands, and nothing of it is saved."""

from typing import Any
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import ModelForm, modelform_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.admin_access import Role, organizations
from alerts.preview import preview
from alerts.preview_chart import weeks
from slos.forms import SLOForm
from slos.models import SLODefinition
from slos.models.alerting import AlertRules

JUDGES = ["target_percentage", "target_value", "target_unit", "error_budget_percentage", "window", "window_days"]
RULES = [field.name for field in AlertRules._meta.get_fields()]
NEW = ["organization", "sli_type"]  # of one that exists they stay
PAGE, PART = "admin/slos/slodefinition/preview.html", "admin/slos/slodefinition/_preview.html"


@require_POST
def objective_preview(request: HttpRequest, slo_id: UUID | None = None) -> HttpResponse:
    """For editors of the objective's organisation; to others it does not exist."""
    ours = organizations(request, Role.EDITOR)
    found = SLODefinition.objects.filter(organization__in=ours).select_related("organization")
    saved = found.filter(pk=slo_id).first() if slo_id else None
    if saved is None and (slo_id or not ours.exists()):
        raise Http404
    form = _form(
        request, found.get(pk=saved.pk) if saved else SLODefinition(), [*JUDGES, *RULES, *([] if saved else NEW)]
    )
    context: dict[str, Any] = {"form": form, "saved": saved, "title": "Preview", "opts": SLODefinition._meta}
    if "organization" in form.fields:
        form.fields["organization"].queryset = ours  # type: ignore[attr-defined]
    if form.is_valid():
        proposed = form.instance
        seen = preview(proposed.organization, saved, proposed, now=timezone.now())
        context["found"], context["chart"] = seen, weeks(seen, saved)
        context["proposed"] = proposed
    else:
        context["errors"] = list(_errors(form))
    template = PART if request.headers.get("HX-Request") else PAGE
    return render(request, template, context, status=422 if form.errors else 200)


def _form(request: HttpRequest, instance: SLODefinition, fields: list[str]) -> ModelForm:
    return modelform_factory(SLODefinition, form=SLOForm, fields=fields)(request.POST, instance=instance)


def _errors(form: ModelForm) -> Any:
    for name, said in form.errors.items():
        label = (
            "" if name == NON_FIELD_ERRORS else f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: "
        )
        yield f"{label}{' '.join(map(str, said))}"
