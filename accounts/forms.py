"""What people type about themselves. `now` comes in with the form; `wait` is set when there was no try left."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import access, second_factor, signin, tokens
from accounts.models import ApiToken, Organization, User
from accounts.throttle import TooMany

WRONG_CODE = "This code is wrong or used already. Wait for the next one, and check the clock of the telephone."
CODE = forms.TextInput({"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"})
PASSWORD = forms.PasswordInput({"autocomplete": "current-password"})


@contextmanager
def counted(form: Any) -> Iterator[None]:
    """Inside it something is tried that has only so many tries."""
    try:
        yield
    except TooMany as wait:
        form.wait = wait
        raise ValidationError(str(wait)) from None


class SignInForm(AuthenticationForm):
    wait: TooMany | None = None

    def __init__(self, request: HttpRequest, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.asking, self.now = request, now

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.keys() >= {"username", "password"}:
            with counted(self):
                found = signin.check_password(self.asking, given["username"], given["password"], now=self.now)
            if found is None:
                raise self.get_invalid_login_error()
            self.user_cache = found
        return given


class NewUserForm(BaseUserCreationForm):
    class Meta:
        model = User
        fields = ["username", "first_name", "last_name"]
        labels = {"username": "User name"}


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, request: HttpRequest, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asking, self.now = request, now

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        with counted(self):
            right = signin.confirm_password(self.asking, self.user, typed, now=self.now)
        if not right:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return typed


class TokenForm(forms.ModelForm):
    """Issues a token; what was issued carries its secret for the one page that shows it."""

    class Meta:
        model = ApiToken
        fields = ["user", "organization", "name", "scope", "expires_at"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        if given.keys() >= {"user", "organization", "scope"}:
            self._clean_reach(given["user"], given["organization"], given["scope"])
        return given

    def _clean_reach(self, user: User, organization: Organization, scope: str) -> None:
        reach = access.of_token(ApiToken(user=user, organization=organization, scope=scope))
        if reach is None:
            self.add_error(
                None if "user" not in self.fields else "user",
                f"{user} is no member of {organization}. Add a membership first.",
            )
        elif not reach.allows(scope):
            self.add_error("scope", f"The role of {user} in {organization} reaches no further than “{reach.scope}”.")

    def save(self, commit: bool = True) -> ApiToken:
        token, secret = tokens.issue(**self.cleaned_data)
        token.secret = secret  # type: ignore[attr-defined]
        return token


class OwnTokenForm(TokenForm):
    """A token for oneself, in one of one's organisations."""

    DAYS = {"30": "30 days", "90": "90 days", "365": "a year", "": "ever, until it is revoked"}
    days = forms.ChoiceField(label="Valid for", choices=DAYS.items(), initial="90", required=False)

    class Meta(TokenForm.Meta):
        fields = ["organization", "name", "scope"]
        labels = {"organization": "Organisation"}

    def __init__(self, *args: Any, user: User, organizations: list[Organization], now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.now = user, now
        field = self.fields["organization"]
        field.queryset = Organization.objects.filter(pk__in=[one.pk for one in organizations])  # type: ignore[attr-defined]
        if len(organizations) == 1:
            field.initial, field.widget = organizations[0].pk, field.hidden_widget()

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["user"] = self.user
        given = super().clean()
        days = given.pop("days", "")
        given["expires_at"] = self.now + timedelta(days=int(days)) if days else None
        return given


class CodeForm(forms.Form):
    """A code of the app or a recovery code, of `user`."""

    code = forms.CharField(label="Code", max_length=20, widget=CODE)
    wait: TooMany | None = None

    def __init__(self, *args: Any, request: HttpRequest, user: User, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asking, self.user, self.now = request, user, now

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            with counted(self):
                self.attempt()
        return self.cleaned_data

    def attempt(self) -> None:
        self.judge(second_factor.check(self.user, self.cleaned_data["code"], now=self.now))

    def judge(self, right: bool) -> None:
        if not right:
            signin.wrong_code(self.asking, self.user, now=self.now)
            self.add_error("code", WRONG_CODE)


class FirstCodeForm(CodeForm):
    """Takes a new secret into use; then `recovery_codes` are there."""

    code = forms.CharField(label="Code from the app", max_length=20, widget=CODE)
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
