"""The one door, for pages and administration alike."""

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from accounts import audit, signin
from accounts.forms import CodeForm, SignInForm
from accounts.models import User


class SignIn(LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "now": timezone.now()}

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        if form.wait:
            response.status_code, response.headers["Retry-After"] = 429, str(form.wait.seconds)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not user.totp_since:
            return self.enter(user)
        signin.hold(self.request, user, now=timezone.now())
        return HttpResponseRedirect(f"{resolve_url('sign-in-code')}?{urlencode({'next': self.get_redirect_url()})}")

    def enter(self, user: User) -> HttpResponse:
        signin.finish(self.request, user, now=timezone.now())
        response = HttpResponseRedirect(self.get_success_url())
        signin.remember(response, user)
        return response


class SignInCode(SignIn):
    """After the password: a code, where the user has set that up."""

    authentication_form = CodeForm  # type: ignore[assignment]
    template_name = "registration/code.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.user = signin.held(request, now=timezone.now())
        return super().dispatch(request, *args, **kwargs) if self.user else HttpResponseRedirect(resolve_url("login"))

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.user}

    def form_valid(self, form: Any) -> HttpResponse:
        return self.enter(form.user)


class SignOut(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            audit.record(audit.Action.SIGNED_OUT, now=timezone.now(), request=request)
        return super().post(request, *args, **kwargs)


@never_cache
def admin_door(request: HttpRequest) -> HttpResponse:
    """Where the administration sends whoever may not see a page of it."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))
