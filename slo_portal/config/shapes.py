"""What may stand in the file, taken from the models: types to check by, and the JSON Schema."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal, Union

import msgspec
from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import models
from msgspec import Meta

LIMITS = {
    validators.MinValueValidator: "ge",
    validators.MaxValueValidator: "le",
    validators.MaxLengthValidator: "max_length",
}
PLAIN: dict[type[models.Field], Any] = {
    models.BooleanField: bool,
    models.DecimalField: float,
    models.IntegerField: int,
    models.CharField: str,
    models.TextField: str,
    models.DateField: date,
    models.JSONField: dict[str, Any],
}
VERSION: Any = Literal[1]
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Shape:
    """The keys of an entry, each with a type of msgspec's, or with the shape of the entries in its list."""

    name: str
    keys: Mapping[str, Any]
    required: Set[str] = frozenset({"name"})
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def struct(self) -> type[msgspec.Struct]:
        """The same as a type, for the schema."""
        parts = [(key, list[kind.struct()] if isinstance(kind, Shape) else kind) for key, kind in self.keys.items()]  # type: ignore[misc]
        needed = [part for part in parts if part[0] in self.required]
        others = [self._optional(key, kind) for key, kind in parts if key not in self.required]
        return msgspec.defstruct(self.name, [*needed, *others], forbid_unknown_fields=True)

    def _optional(self, key: str, kind: Any) -> tuple[str, Any, Any]:
        if key not in self.defaults:
            return key, Union[kind, msgspec.UnsetType], msgspec.UNSET  # noqa: UP007
        default = self.defaults[key]
        lists = isinstance(default, list)
        return key, kind, msgspec.field(default_factory=lambda: list(default)) if lists else default


def of_field(one: models.Field) -> Any:
    """The type of what the file may say for a field of a model."""
    meta = Meta(description=str(one.help_text)) if one.help_text else None
    found = _bare(one)
    found = found | None if one.null else found
    return Annotated[found, meta] if meta else found


def _bare(one: models.Field) -> Any:
    if isinstance(one, ArrayField):
        return list[_bare(one.base_field)]  # type: ignore[misc]
    if one.choices:
        return Literal[tuple(value for value, _ in one.flatchoices)]
    kind = next(plain for of, plain in PLAIN.items() if isinstance(one, of))
    rules = [rule for rule in one.validators if isinstance(rule, validators.BaseValidator) and type(rule) in LIMITS]
    found: Any = {LIMITS[type(rule)]: kind(rule.limit_value) if kind is float else rule.limit_value for rule in rules}
    return Annotated[kind, Meta(**found)] if found else kind


def choices(kind: Any) -> list[Any]:
    """What a type allows, where that is a list of words."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    args = getattr(kind, "__args__", ())
    if getattr(kind, "__origin__", None) is Literal:
        return list(args)
    return [one for part in args if part is not type(None) for one in choices(part)]


def schema(shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Of the whole file."""
    lists: Any = {name: list[shape.struct()] for name, shape in shapes.items()}  # type: ignore[misc]
    sections: Any = [(name, kind, msgspec.field(default_factory=list)) for name, kind in lists.items()]
    file = msgspec.defstruct("File", [("version", VERSION), *sections], forbid_unknown_fields=True)
    (whole,), parts = msgspec.json.schema_components([file], ref_template="#/$defs/{name}")
    title = "The configuration of an organisation in the SLO portal (slo-rules.yml)"
    return {"$schema": SCHEMA, "title": title, **whole, "$defs": parts}
