"""Signing in: the tries that a name, an address and a browser have, and what is noted of them."""

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.sessions.models import Session
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, get_random_string

from accounts import access, audit, throttle
from accounts.addresses import neighbourhood
from accounts.audit import Action
from accounts.models import Membership, User
from accounts.throttle import Limit

OF_ACCOUNT = Limit(burst=5, interval=timedelta(minutes=5))
OF_ADDRESS = Limit(burst=20, interval=timedelta(minutes=1))  # a whole office may share one
KNOWN_BROWSER = f"{settings.COOKIE_PREFIX}known"
KNOWN_FOR = timedelta(days=180)
HALF, HALF_FOR = "password_was_right", timedelta(minutes=5)
SALT = "accounts.signin.known"
BACKEND = "django.contrib.auth.backends.ModelBackend"
WHO = {"account": "strangers to this name", "address": "this address", "browser": "a browser known to this name"}


def check_password(request: HttpRequest, username: str, password: str, *, now: datetime) -> User | None:
    """The user with this name and password. None: the try failed and was noted. Raises TooMany untried.

    Unknown names cost the same work as known ones and have the same number of tries.
    """
    limits = _limits(request, username)
    spent = throttle.charge(limits, now=now)
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _failed(request, username, spent, now)
        return None
    _succeeded(limits, now)
    return user


def confirm_password(request: HttpRequest, user: User, password: str, *, now: datetime) -> bool:
    """Whether the person at a signed-in page is the user; tried as often as at the sign-in. Raises TooMany."""
    limits = _limits(request, user.get_username())
    spent = throttle.charge(limits, now=now)
    if not user.check_password(password):
        _failed(request, user.get_username(), spent, now)
        return False
    _succeeded(limits, now)
    return True


def hold(request: HttpRequest, user: User, *, now: datetime) -> None:
    """The password was right; the session begins only with a code."""
    request.session[HALF] = [str(user.pk), user.get_session_auth_hash(), int(now.timestamp())]


def held(request: HttpRequest, *, now: datetime) -> User | None:
    """Whose password was right on this browser in the last minutes."""
    pk, password, since = request.session.get(HALF, (None, "", 0))
    user = User.objects.filter(pk=pk, is_active=True).first()
    fresh = now.timestamp() - since < HALF_FOR.total_seconds()
    return user if user and fresh and constant_time_compare(password, user.get_session_auth_hash()) else None


def wrong_code(request: HttpRequest, user: User, *, now: datetime) -> None:
    found = access.of_user(user)
    organization = found.organization if found else None
    audit.record(Action.SIGN_IN_FAILED, now=now, request=request, on=user, organization=organization, note="wrong code")


def finish(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Begin the session, with a new key."""
    Session.objects.filter(expire_date__lte=now).delete()  # the table grows by sign-ins alone
    request.session.pop(HALF, None)
    login(request, user, backend=BACKEND)
    request.session.update({"since": int(now.timestamp()), "seen": int(now.timestamp())})
    found = access.of_user(user)
    organization = found.organization if found else None
    audit.record(Action.SIGNED_IN, now=now, request=request, actor=user, organization=organization)


def remember(response: HttpResponse, user: User) -> None:
    """From now on this browser has tries of its own: whoever uses up those of the name locks out only strangers."""
    response.set_cookie(
        KNOWN_BROWSER,
        signing.dumps(user.get_username(), salt=SALT),
        max_age=KNOWN_FOR,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def end_sessions(user: User) -> None:
    """All of them, at their next request; `update_session_auth_hash` keeps the present one."""
    user.session_nonce = get_random_string(16)
    user.save(update_fields=["session_nonce"])


def _limits(request: HttpRequest, username: str) -> dict[str, Limit]:
    if _is_known(request, username):
        return {throttle.key("browser", request.COOKIES[KNOWN_BROWSER]): OF_ACCOUNT}
    address = neighbourhood(audit.address_of(request))
    return {throttle.key("account", username.casefold()): OF_ACCOUNT, throttle.key("address", address): OF_ADDRESS}


def _is_known(request: HttpRequest, username: str) -> bool:
    try:
        return signing.loads(request.COOKIES.get(KNOWN_BROWSER, ""), salt=SALT, max_age=KNOWN_FOR) == username
    except signing.BadSignature:
        return False


def _succeeded(limits: dict[str, Limit], now: datetime) -> None:
    for name, limit in limits.items():
        if limit is OF_ADDRESS:  # its other failures count on: else one good account would buy any number of tries
            throttle.give_back(name, limit, now=now)
        else:
            throttle.forget(name)


def _failed(request: HttpRequest, username: str, spent: list[str], now: datetime) -> None:
    """Noted of unknown names, too, by the same queries; but not what was typed: it may be a password."""
    user = User.objects.filter(username=username).first()
    member = Membership.objects.filter(user__username=username).select_related("organization")
    first = member.order_by("organization__slug").first()
    organization = first.organization if first else None
    entry = partial(audit.record, now=now, request=request, on=user, organization=organization)
    entry(Action.SIGN_IN_FAILED, note="" if user else "unknown user name")
    for name in spent:
        entry(Action.LOCKED_OUT, note=f"no more tries for now: {WHO[name.partition(':')[0]]}")
