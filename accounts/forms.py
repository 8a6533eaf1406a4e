"""What people type about themselves. `now` comes in with the form; `wait` is set when there was no try left."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import second_factor, signin
from accounts.models import User
from accounts.throttle import TooMany

WRONG_CODE = "This code is wrong or used already. Wait for the next one, and check the clock of the telephone."
CODE = forms.TextInput({"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"})
PASSWORD = forms.PasswordInput({"autocomplete": "current-password"})


class SignInForm(AuthenticationForm):
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
                raise ValidationError(str(wait)) from None
            if found is None:
                raise self.get_invalid_login_error()
            self.user_cache = found
        return given


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, request: HttpRequest, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asking, self.now = request, now

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        try:
            if not signin.confirm_password(self.asking, self.user, typed, now=self.now):
                raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        except TooMany as wait:
            raise ValidationError(str(wait)) from None
        return typed


class CodeForm(forms.Form):
    """A code of the app or a recovery code, of `user`."""

    code = forms.CharField(label="Code", max_length=20, widget=CODE)
    wait: TooMany | None = None

    def __init__(self, *args: Any, request: HttpRequest, user: User, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asking, self.user, self.now = request, user, now

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                self.attempt()
            except TooMany as wait:
                self.wait = wait
                raise ValidationError(str(wait)) from None
        return self.cleaned_data

    def attempt(self) -> None:
        self.judge(second_factor.check(self.user, self.cleaned_data["code"], now=self.now))

    def judge(self, right: bool) -> None:
        if not right:
            signin.wrong_code(self.asking, self.user, now=self.now)
            self.add_error("code", WRONG_CODE)


class FirstCodeForm(CodeForm):
    """Takes a new secret into use; then `recovery_codes` are there."""

    recovery_codes: list[str] | None = None

    def attempt(self) -> None:
        self.recovery_codes = second_factor.confirm(self.user, self.cleaned_data["code"], now=self.now)
        self.judge(self.recovery_codes is not None)


class RemoveForm(CodeForm):
    """Whoever finds a screen unlocked has no password."""

    password = forms.CharField(label="Your password", strip=False, widget=PASSWORD)
    field_order = ["password", "code"]

    def attempt(self) -> None:
        if signin.confirm_password(self.asking, self.user, self.cleaned_data["password"], now=self.now):
            super().attempt()
        else:
            self.add_error("password", "This is not your password.")
