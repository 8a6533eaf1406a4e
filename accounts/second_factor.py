"""The second factor of a user: set up, asked for, removed."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import sealing, signin, throttle, totp
from accounts.models import RecoveryCode, User
from accounts.throttle import Limit

PURPOSE = b"slo-portal second factor 1"
OF_CODES = Limit(burst=5, interval=timedelta(minutes=5))
ISSUER = "SLO portal"


def begin(user: User) -> None:
    """Make a new secret for the app, unless one is in use; it counts for nothing until a code of it is confirmed."""
    User.objects.filter(pk=user.pk, totp_since=None).update(totp_secret=_seal(totp.new_secret()))
    user.refresh_from_db()


def secret_of(user: User) -> str:
    """Empty when there is none, or when the SECRET_KEY that sealed it is gone."""
    try:
        return sealing.unseal(PURPOSE, user.totp_secret) if user.totp_secret else ""
    except sealing.Unreadable:
        return ""


def confirm(user: User, code: str, *, now: datetime) -> list[str] | None:
    """Take it into use: ends the sessions of the user and returns the recovery codes. None: the code is wrong."""
    throttle.charge({_key(user): OF_CODES}, now=now)
    if user.totp_since or not _fits(user, totp.plain(code), now):
        return None
    throttle.forget(_key(user))
    with transaction.atomic():
        user.totp_since = now
        user.save(update_fields=["totp_since"])
        signin.end_sessions(user)
        return new_recovery_codes(user)


def check(user: User, code: str, *, now: datetime) -> bool:
    """Whether a code of the app or a recovery code is right; either opens once. Raises throttle.TooMany."""
    throttle.charge({_key(user): OF_CODES}, now=now)
    typed = totp.plain(code)
    right = _fits(user, typed, now) or _is_recovery_code(user, typed)
    if right:
        throttle.forget(_key(user))
    return right


def new_recovery_codes(user: User) -> list[str]:
    """They replace the old ones, and exist nowhere else."""
    codes = totp.new_recovery_codes()
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(user, totp.plain(code))) for code in codes
        )
    return codes


def remove(user: User) -> None:
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        user.totp_since, user.totp_secret = None, ""
        user.save(update_fields=["totp_since", "totp_secret"])
        signin.end_sessions(user)


def _fits(user: User, code: str, now: datetime) -> bool:
    """A code of the app, newer than the last one that was used. Then the secret is sealed anew, if the key changed."""
    secret = secret_of(user)
    step = totp.matching_step(secret, code, now) if secret else None
    if step is None:
        return False
    user.totp_secret = _seal(secret)
    newer = User.objects.filter(pk=user.pk, totp_step__lt=step)
    return bool(newer.update(totp_step=step, totp_secret=user.totp_secret))


def _seal(secret: str) -> str:
    return sealing.seal(PURPOSE, secret)


def rotate(sealed: str) -> str:
    """The same secret, encrypted with the present SECRET_KEY. Raises sealing.Unreadable."""
    return sealing.reseal(PURPOSE, sealed)


def _is_recovery_code(user: User, code: str) -> bool:
    digests = [_digest(user, code, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return bool(RecoveryCode.objects.filter(user=user, digest__in=digests).delete()[0])


def _digest(user: User, code: str, secret_key: str | None = None) -> str:
    given = f"{user.pk}:{code}"
    return salted_hmac("accounts.second_factor", given, secret=secret_key, algorithm="sha256").hexdigest()


def _key(user: User) -> str:
    return throttle.key("code", str(user.pk))
