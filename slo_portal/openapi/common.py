"""What the answers of several addresses share. The schema is made of these types; tests hold answers against them."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import Meta, Struct


def of(names: Any) -> Any:
    """One of these texts."""
    return Literal[tuple(str(name) for name in names)]


Percentage = Annotated[float | None, Meta(description="0..100; null where there is no data.")]
Consumed = Annotated[
    float | None, Meta(description="Of the error budget, in percent; may pass 100 and is null where there is no data.")
]
Count = Annotated[int, Meta(ge=0)]
Part = Annotated[float, Meta(description="A number of events; confidences add up fractions.")]
Id = UUID
Data = TypeVar("Data")
Time = Annotated[datetime, Meta(tz=True)]


class Told(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whatever an answer holds."""


class Envelope(Told, Generic[Data]):
    """Around everything that is granted."""

    success: bool
    data: Data
    message: str


class Span(Told):
    start_date: Time
    end_date: Time
    days: Annotated[int, Meta(ge=1)]


class Pages(Told):
    limit: int
    next_cursor: Annotated[str | None, Meta(description="`cursor` of the next page; null on the last one.")]
    has_more: bool


class Parts(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The part of the work that was asked for."""

    vendor: str = ""
    channel: str = ""
    document_type: str = ""


class FieldError(Told):
    field: str
    code: str
    message: str
