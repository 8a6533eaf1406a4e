"""What people do about their own accounts: password, second factor, sessions, and where they are."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import access, audit, second_factor, signin, totp
from accounts.audit import Action
from accounts.forms import CodeForm, FirstCodeForm, PasswordForm, RemoveForm
from accounts.models import User


class Request(HttpRequest):
    user: User


View = Callable[..., HttpResponse]


def for_user(view: View) -> View:
    """For whoever is signed in, with the clock of the organisation that is looked at."""

    @never_cache
    @login_required
    @wraps(view)
    def local(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        found = access.of_request(request)
        with timezone.override(found.organization.time_zone if found else None):
            return view(request, *args, **kwargs)

    return local


@for_user
@require_safe
def account(request: Request) -> HttpResponse:
    return render(request, "accounts/account.html", {"memberships": access.memberships(request)})


class Password(PasswordChangeView):
    """Changing it signs out every other browser."""

    form_class = PasswordForm
    template_name = "accounts/password.html"
    success_url = reverse_lazy("account")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request, "now": timezone.now()}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        audit.record(Action.PASSWORD_CHANGED, now=timezone.now(), request=self.request, on=form.user)
        messages.success(self.request, "Your password is changed. Every other browser is signed out.")
        return response


@for_user
@require_POST
def end_sessions(request: Request) -> HttpResponse:
    audit.record(Action.SESSIONS_ENDED, now=timezone.now(), request=request, on=request.user)
    signin.end_sessions(request.user)
    logout(request)
    return redirect("login")


@for_user
@require_POST
def switch_organization(request: Request) -> HttpResponse:
    """To one of the user's own; anything else changes nothing."""
    wanted = request.POST.get("organization")
    if wanted in {organization.slug for organization in access.choices(request)}:
        request.session[access.SESSION_KEY] = wanted
    goal = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure())
    return redirect(goal if safe else "overview")


# --- second factor ---------------------------------------------------------------------------------------


@for_user
@require_safe
def two_step(request: Request) -> HttpResponse:
    return _two_step(request)


@for_user
@require_POST
def two_step_set_up(request: Request) -> HttpResponse:
    """Without a code: a new secret to scan. With one: it is taken into use."""
    user = request.user
    if user.totp_since:
        return redirect("two-step")
    form = None
    if "code" in request.POST:
        form = FirstCodeForm(request.POST, request=request, user=user, now=timezone.now())
        if form.is_valid() and form.recovery_codes:
            return _new_codes(request, form.recovery_codes, Action.SECOND_FACTOR_ON)
    else:
        second_factor.begin(user)
        form = FirstCodeForm(request=request, user=user, now=timezone.now())
    secret = second_factor.secret_of(user)
    if not secret:
        return redirect("two-step")
    picture = totp.qr(totp.uri(secret, user.get_username(), second_factor.ISSUER))
    return render(request, "accounts/two_step_set_up.html", {"form": form, "secret": secret, "picture": picture})


@for_user
@require_POST
def two_step_codes(request: Request) -> HttpResponse:
    form = CodeForm(request.POST, request=request, user=request.user, now=timezone.now())
    if not form.is_valid():
        return _two_step(request, codes_form=form)
    return _new_codes(request, second_factor.new_recovery_codes(request.user), Action.CHANGED)


@for_user
@require_POST
def two_step_remove(request: Request) -> HttpResponse:
    user = request.user
    form = RemoveForm(request.POST, request=request, user=user, now=timezone.now(), auto_id="remove_%s")
    if access.requires_second_factor(request) or not form.is_valid():
        return _two_step(request, remove_form=form)
    second_factor.remove(user)
    update_session_auth_hash(request, user)
    audit.record(Action.SECOND_FACTOR_OFF, now=timezone.now(), request=request, on=user)
    messages.success(request, "The second factor is removed. Every other browser is signed out.")
    return redirect("two-step")


def _two_step(request: Request, **forms: CodeForm) -> HttpResponse:
    given: dict[str, Any] = {"request": request, "user": request.user, "now": timezone.now()}
    context = {
        "codes_form": CodeForm(**given),
        "remove_form": RemoveForm(**given, auto_id="remove_%s"),
        "codes_left": request.user.recovery_codes.count(),
        "required": access.requires_second_factor(request),
        **forms,
    }
    return render(request, "accounts/two_step.html", context)


def _new_codes(request: Request, codes: list[str], action: Action) -> HttpResponse:
    update_session_auth_hash(request, request.user)
    note = "new recovery codes" if action == Action.CHANGED else ""
    audit.record(action, now=timezone.now(), request=request, on=request.user, note=note)
    return render(request, "accounts/recovery_codes.html", {"codes": codes})
