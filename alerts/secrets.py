"""Secrets of channels, encrypted at rest with a key made of SECRET_KEY.

After SECRET_KEY was changed, what the keys in SECRET_KEY_FALLBACKS encrypted can still be read, and `rotate` encrypts
it anew.
"""

import json
from collections.abc import Mapping

from cryptography.fernet import InvalidToken

from accounts.sealing import cipher

PURPOSE = b"slo-portal channel secrets 1"


class Unreadable(Exception):
    """The key that encrypted a secret is gone."""

    def __init__(self) -> None:
        super().__init__(
            "Its secret was encrypted with another SECRET_KEY. Enter it anew, or name that key in SECRET_KEY_FALLBACKS."
        )


def seal(values: Mapping[str, str]) -> str:
    """What is kept in the database; nothing stays nothing."""
    return cipher(PURPOSE).encrypt(json.dumps(dict(values)).encode()).decode() if values else ""


def reveal(sealed: str) -> dict[str, str]:
    """Raises Unreadable."""
    try:
        return dict(json.loads(cipher(PURPOSE).decrypt(sealed.encode()))) if sealed else {}
    except InvalidToken:
        raise Unreadable from None


def rotate(sealed: str) -> str:
    """The same values under the present SECRET_KEY. Raises Unreadable."""
    try:
        return cipher(PURPOSE).rotate(sealed.encode()).decode() if sealed else ""
    except InvalidToken:
        raise Unreadable from None
