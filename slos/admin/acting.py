"""Acts on several objectives at once: first a page that says what would change and what would not, then one POST."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.admin_access import ByRole
from slos import acts
from slos.acts import ACTS, Act
from slos.models import SLODefinition
from slos.words import plural

MOST = 200  # at once: the page names each of them
OWNER = "set_owner"
Row = tuple[SLODefinition, str]  # and why nothing would change, or ""


class Confirmation(forms.Form):
    slos_owner = forms.CharField(
        label="New owner", max_length=200, required=False, help_text="Who answers for it; empty: nobody."
    )
    reason = forms.CharField(
        label="Reason", max_length=100, help_text="Kept in the history and in the audit trail.",
        widget=forms.TextInput({"size": 60}),
    )  # fmt: skip

    def __init__(self, act: Act, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if act.name != OWNER:
            del self.fields["slos_owner"]

    @property
    def value(self) -> str:
        return str(self.cleaned_data.get("slos_owner", ""))


class Acting(ByRole):
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Those of slos.acts, for whoever may change an objective somewhere."""
        own = [_action(act) for act in ACTS] if self.has_change_permission(request) else []
        return {**{name: (function, name, text) for name, function, text in own}, **super().get_actions(request)}

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: Any = False,
        change: Any = False,
        form_url: Any = "",
        obj: Any = None,
    ) -> HttpResponse:
        """With the acts that may be done to the one that is shown."""
        if obj and self.may(request, self.changes, obj):
            context["acts"] = [act for act in ACTS if act.name != OWNER and not act.why_not(obj, None)]
            context["checkbox"] = ACTION_CHECKBOX_NAME
        return super().render_change_form(request, context, add, change, form_url, obj)

    def act_on(self, act: Act, request: HttpRequest, chosen: QuerySet[SLODefinition]) -> HttpResponse | None:
        every = list(chosen.select_related("organization")[: MOST + 1])
        if len(every) > MOST:
            self.message_user(request, f"Choose {MOST} objectives at most at a time.", messages.ERROR)
            return None
        confirmed = "reason" in request.POST
        form = Confirmation(act, request.POST if confirmed else None)
        if confirmed and form.is_valid():
            self._do(act, request, every, form)
            return None
        rows = [(slo, self._why_not(act, request, slo, None)) for slo in every]
        return self._ask(act, request, rows, form)

    def _why_not(self, act: Act, request: HttpRequest, slo: SLODefinition, value: str | None) -> str:
        if not self.may(request, self.changes, slo):
            return "Your role in its organisation does not allow it: an SLO editor may."
        return act.why_not(slo, value)

    def _ask(self, act: Act, request: HttpRequest, rows: Sequence[Row], form: Confirmation) -> HttpResponse:
        changes, stays = [slo for slo, why in rows if not why], [row for row in rows if row[1]]
        context = {
            **self.admin_site.each_context(request),
            "title": f"{act.verb} {len(changes)} {plural('objective', len(changes))}",
            "opts": self.opts,
            "act": act,
            "changes": changes,
            "stays": stays,
            "form": form,
            "checkbox": ACTION_CHECKBOX_NAME,
            "shows_owner": act.name == OWNER,
            "several": len({slo.organization_id for slo, _ in rows}) > 1,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/slos/slodefinition/confirm.html", context, status=status)

    def _do(self, act: Act, request: HttpRequest, chosen: Sequence[SLODefinition], form: Confirmation) -> None:
        """One by one: what one is refused changes nothing for the others."""
        left = [(slo, self._done(act, request, slo, form)) for slo in chosen]
        refused = [f"{slo}: {why}" for slo, why in left if why]
        number = len(chosen) - len(refused)
        if number:
            text = f"{number} of {len(chosen)} {plural('objective', len(chosen))} {act.done}."
            self.message_user(request, text, messages.SUCCESS)
        if refused:
            text = f"{len(refused)} of {len(chosen)} not changed. {' '.join(refused)}"
            self.message_user(request, text, messages.WARNING)

    def _done(self, act: Act, request: HttpRequest, slo: SLODefinition, form: Confirmation) -> str:
        """Why it was not done, or ""."""
        if why := self._why_not(act, request, slo, form.value):
            return why
        reason, by = form.cleaned_data["reason"], request.user
        try:
            changed = acts.perform(act, slo, form.value, reason=reason, by=by, now=timezone.now())  # type: ignore[arg-type]
        except acts.Unchanged as error:
            return str(error)
        except DatabaseError:
            return "The database did not take it; try it again."
        self.log_change(request, changed, f"{act.done.partition(':')[0].capitalize()}: {reason}")
        return ""


def _action(act: Act) -> tuple[str, Callable[..., Any], str]:
    def function(model_admin: Acting, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
        return model_admin.act_on(act, request, chosen)

    return act.name, function, f"{act.verb} selected objectives"
