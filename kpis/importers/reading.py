"""How the texts of a source are read: what means "missing", and how times are written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from kpis.importers.records import BadValue


@dataclass(frozen=True)
class Reading:
    """How texts are read: which mean "missing", the formats of times, and the zone of those without an offset.

    `null` is always missing: for ingestion the word would clear what is stored.
    """

    missing: frozenset[str] = frozenset({""})
    time_formats: Sequence[str] = ("iso",)
    zone: ZoneInfo | None = None
    instant: Callable[[str], datetime] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Logs repeat their stamps (minutes, days), and strptime is slow.
        object.__setattr__(self, "instant", lru_cache(maxsize=10_000)(self._instant))

    def known(self, value: object) -> object:
        """The value, or None for a missing one; text without the blanks around it."""
        if isinstance(value, str):
            value = value.strip()
            return None if value in self.missing or value.lower() == "null" else value
        return value

    def _instant(self, text: str) -> datetime:
        for format in self.time_formats:
            try:
                at = datetime.fromisoformat(text) if format == "iso" else datetime.strptime(text, format)
                break
            except ValueError:
                continue
        else:
            raise BadValue(f"{text!r} is not a time written as {' or '.join(self.time_formats)}")
        if at.tzinfo is None:
            if self.zone is None:
                raise BadValue(f"{text!r} has no offset, and the mapping gives no time_zone")
            at = at.replace(tzinfo=self.zone)
        try:
            return at.astimezone(UTC)
        except OverflowError:
            raise BadValue(f"{text!r} is out of range") from None
