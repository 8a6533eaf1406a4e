"""Secrets of channels, encrypted at rest with a key made of SECRET_KEY.

After SECRET_KEY was changed, what the keys in SECRET_KEY_FALLBACKS encrypted can still be read, and `rotate` encrypts
it anew.
"""

import json
from collections.abc import Mapping

from accounts import sealing
from accounts.sealing import Unreadable

__all__ = ["Unreadable", "reveal", "rotate", "seal"]
PURPOSE = b"slo-portal channel secrets 1"


def seal(values: Mapping[str, str]) -> str:
    """What is kept in the database; nothing stays nothing."""
    return sealing.seal(PURPOSE, json.dumps(dict(values))) if values else ""


def reveal(sealed: str) -> dict[str, str]:
    """Raises Unreadable."""
    return dict(json.loads(sealing.unseal(PURPOSE, sealed))) if sealed else {}


def rotate(sealed: str) -> str:
    """The same values under the present SECRET_KEY. Raises Unreadable."""
    return sealing.reseal(PURPOSE, sealed) if sealed else ""
