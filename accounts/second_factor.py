"""The second factor of a user: set up, asked for, removed."""

from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
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
    sealed = sealing.cipher(PURPOSE).encrypt(totp.new_secret().encode()).decode()
    User.objects.filter(pk=user.pk, totp_since=None).update(totp_secret=sealed)
    user.refresh_from_db()


def secret_of(user: User) -> str:
    """Empty when there is none, or when the SECRET_KEY that sealed it is gone."""
    try:
        return sealing.cipher(PURPOSE).decrypt(user.totp_secret.encode()).decode() if user.totp_secret else ""
    except InvalidToken:
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
    right = _fits(user, typed, now) or bool(
        RecoveryCode.objects.filter(user=user, digest=_digest(user, typed)).delete()[0]
    )
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
    """A code of the app, newer than the last one that was used."""
    secret = secret_of(user)
    step = totp.matching_step(secret, code, now) if secret else None
    return step is not None and bool(User.objects.filter(pk=user.pk, totp_step__lt=step).update(totp_step=step))


def _digest(user: User, code: str) -> str:
    return salted_hmac("accounts.second_factor", f"{user.pk}:{code}", algorithm="sha256").hexdigest()


def _key(user: User) -> str:
    return throttle.key("code", str(user.pk))
