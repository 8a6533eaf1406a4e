"""How the API refuses: RFC 9457."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from slo_portal.openapi.common import Count


class Fault(Struct):
    field: str
    code: str
    message: str
    index: Count | UnsetType = UNSET


class Problem(Struct, kw_only=True):
    """Beyond these, `alert` of a conflict, or `received` and `rejected` of a batch."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    success: Annotated[bool, Meta(extra_json_schema={"const": False})]
    request_id: str | UnsetType = UNSET
    errors: list[Fault] | UnsetType = UNSET
