"""Secrets of channels, encrypted at rest with a key made of SECRET_KEY.

After SECRET_KEY was changed, what the keys in SECRET_KEY_FALLBACKS encrypted can still be read, and `rotate` encrypts
it anew.
"""

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"slo-portal channel secrets 1"


class Unreadable(Exception):
    """The key that encrypted a secret is gone."""

    def __init__(self) -> None:
        super().__init__(
            "Its secret was encrypted with another SECRET_KEY. Enter it anew, or name that key in SECRET_KEY_FALLBACKS."
        )


def seal(values: Mapping[str, str]) -> str:
    """What is kept in the database; nothing stays nothing."""
    return _cipher().encrypt(json.dumps(dict(values)).encode()).decode() if values else ""


def reveal(sealed: str) -> dict[str, str]:
    """Raises Unreadable."""
    try:
        return dict(json.loads(_cipher().decrypt(sealed.encode()))) if sealed else {}
    except InvalidToken:
        raise Unreadable from None


def rotate(sealed: str) -> str:
    """The same values under the present SECRET_KEY. Raises Unreadable."""
    try:
        return _cipher().rotate(sealed.encode()).decode() if sealed else ""
    except InvalidToken:
        raise Unreadable from None


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(_key(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret_key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)
