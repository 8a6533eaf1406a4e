"""The place of a row in an ordered list, as a text that a client hands back to read on."""

import base64
import binascii
from datetime import datetime
from typing import NamedTuple

import msgspec

LONGEST = 2_000  # characters


class Cursor(NamedTuple):
    """The last row of a page: what the list is ordered by, and its id where that is not unique."""

    key: datetime | str
    id: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode((self.key, self.id))).rstrip(b"=").decode()


def read(text: str, key: type[datetime] | type[str]) -> Cursor:
    """The cursor of a list that is ordered by `key`. Raises ValueError for any other text."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        found = Cursor(*msgspec.json.decode(raw, type=tuple[key, int]))  # type: ignore[valid-type]
    except (binascii.Error, UnicodeError, msgspec.DecodeError, RecursionError) as error:
        raise ValueError(text) from error
    unplaced = found.key.tzinfo is None if isinstance(found.key, datetime) else "\0" in found.key
    if unplaced or not 0 <= found.id < 2**63:
        raise ValueError(text)
    return found
