"""What people type about themselves. `now` comes in with the form."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from accounts import signin
from accounts.throttle import TooMany


class SignInForm(AuthenticationForm):
    """Each try is counted; `wait` is set when there was none left."""

    wait: TooMany | None = None

    def __init__(self, request: HttpRequest, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.asking, self.now = request, now

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.keys() >= {"username", "password"}:
            try:
                found = signin.check_password(self.asking, given["username"], given["password"], now=self.now)
            except TooMany as wait:
                self.wait = wait
                raise forms.ValidationError(str(wait)) from None
            if found is None:
                raise self.get_invalid_login_error()
            self.user_cache = found
        return given
