"""Codes from an app on the telephone (RFC 6238: SHA-1, 6 digits, 30 s, what every app speaks), and recovery codes."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Any

from accounts.when_needed import when_needed

STEP, DIGITS = 30, 6
DRIFT = 1  # steps that the two clocks may be apart
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is easily taken for another


def new_secret() -> str:
    """160 bits in base32, as an app wants it typed."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The number of the 30 seconds for which `code` is right, at `at` or one step beside it; None when wrong."""
    now = int(at.timestamp()) // STEP
    steps = range(now - DRIFT, now + DRIFT + 1)
    given = code.encode()
    return next((step for step in steps if hmac.compare_digest(code_of(secret, step).encode(), given)), None)


def code_of(secret: str, step: int) -> str:
    code: bytes = _totp(secret).generate(step * STEP)
    return code.decode()


def uri(secret: str, account: str, issuer: str) -> str:
    """What the QR code says."""
    address: str = _totp(secret).get_provisioning_uri(account, issuer)
    return address


def qr(text: str) -> str:
    """An SVG element without styles, black on the ground that it stands on."""
    svg: str = when_needed("segno").make_qr(text, error="m").svg_inline(border=2, omitsize=True)
    return svg


def new_recovery_codes() -> list[str]:
    """Ten codes of 49 bits each, written as abcde-fghjk."""
    codes = ("".join(secrets.choice(LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES))
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def plain(typed: str) -> str:
    """A code without the spaces, dashes and capitals that people write into it."""
    return "".join(typed.split()).replace("-", "").lower()[:20]


def _totp(secret: str) -> Any:
    """By SHA-1, the one that all apps know."""
    hashes, totp = (when_needed(f"cryptography.hazmat.primitives.{name}") for name in ("hashes", "twofactor.totp"))
    return totp.TOTP(base64.b32decode(secret), DIGITS, hashes.SHA1(), STEP)
