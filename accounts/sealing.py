"""Secrets that must be read again are encrypted at rest, with keys made of SECRET_KEY, one for each purpose."""

import base64
from typing import Any

from django.conf import settings

from accounts.when_needed import when_needed


class Unreadable(Exception):
    """The key that encrypted a secret is gone."""

    def __init__(self) -> None:
        super().__init__(
            "Its secret was encrypted with another SECRET_KEY. Enter it anew, or name that key in SECRET_KEY_FALLBACKS."
        )


def seal(purpose: bytes, text: str) -> str:
    sealed: bytes = _cipher(purpose).encrypt(text.encode())
    return sealed.decode()


def unseal(purpose: bytes, sealed: str) -> str:
    """Also what its SECRET_KEY_FALLBACKS encrypted. Raises Unreadable."""
    return _tried(_cipher(purpose).decrypt, sealed)


def reseal(purpose: bytes, sealed: str) -> str:
    """The same text under the present SECRET_KEY. Raises Unreadable."""
    return _tried(_cipher(purpose).rotate, sealed)


def _tried(act: Any, sealed: str) -> str:
    try:
        done: bytes = act(sealed.encode())
        return done.decode()
    except when_needed("cryptography.fernet").InvalidToken:
        raise Unreadable from None


def _cipher(purpose: bytes) -> Any:
    """Encrypts with SECRET_KEY."""
    fernet = when_needed("cryptography.fernet")
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return fernet.MultiFernet([fernet.Fernet(_key(purpose, key)) for key in keys])


def _key(purpose: bytes, secret_key: str) -> bytes:
    hkdf, hashes = (when_needed(f"cryptography.hazmat.primitives.{name}") for name in ("kdf.hkdf", "hashes"))
    derived = hkdf.HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)
