"""The one door, for pages and administration alike."""

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts import audit, signin
from accounts.forms import SignInForm


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
        signin.finish(self.request, form.get_user(), now=timezone.now())
        response = HttpResponse(status=302, headers={"Location": self.get_success_url()})
        signin.remember(response, form.get_user())
        return response


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
