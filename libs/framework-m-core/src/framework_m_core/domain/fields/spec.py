"""Field specs: kind, bounds and framework keywords of a field, read from a pydantic model."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Final, ForwardRef, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from framework_m_core.domain.fields.dynamic_default import DynamicDefault
from framework_m_core.domain.fields.field import KEYWORDS
from framework_m_core.domain.fields.field_type import FieldType, Part
from framework_m_core.domain.fields.json_types import find_json_type_errors
from framework_m_core.domain.fields.kinds import DECIMAL_DIGITS, FieldKind
from framework_m_core.domain.hash_keys import find_unseeded_types

__all__ = ["DECIMAL_DIGITS", "FieldKind", "FieldSpec", "is_built_in", "is_indexable", "read_field_spec"]

_SCALARS: Final[dict[Any, FieldKind]] = {
    str: FieldKind.TEXT,
    int: FieldKind.INTEGER,
    float: FieldKind.FLOAT,
    bool: FieldKind.BOOLEAN,
    datetime: FieldKind.DATETIME,
    date: FieldKind.DATE,
    Decimal: FieldKind.DECIMAL,
    UUID: FieldKind.UUID,
    bytes: FieldKind.BYTES,
}
_KEYWORD_TYPES: Final[Mapping[str, type]] = {
    **dict.fromkeys(KEYWORDS, bool),
    **dict.fromkeys(("link", "on_cancel", "fetch_from", "label"), str),
    **dict.fromkeys(("permlevel", "scale"), int),
}
_KEYWORD_WORDS: Final[Mapping[type, str]] = {bool: "True or False", str: "text", int: "a whole number"}
_ON_CANCEL: Final = ("refuse", "allow")
_ITEM_KINDS: Final = frozenset({FieldKind.TEXT, FieldKind.INTEGER})
_CONTAINERS: Final = (dict, list)
_ANYTHING: Final = (Any, object)
_JSON: Final = (dict, Mapping, list, *_ANYTHING)
_NO_TYPES: Final[Mapping[type, FieldType[Any]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a DocType, compiled from its annotation and keywords."""

    name: str
    kind: FieldKind
    nullable: bool = False
    required: bool = False
    link: str | None = None
    on_cancel: str | None = None
    fetch_from: str | None = None
    label: str | None = None
    unique: bool = False
    index: bool = False
    in_list: bool = False
    read_only: bool = False
    computed: bool = False
    """True if the value is that of a function of the document."""

    set_once: bool = False
    no_copy: bool = False
    allow_on_submit: bool = False
    permlevel: int = 0
    sensitive: bool = False
    scale: int | None = None
    choices: tuple[str, ...] = ()
    items: FieldKind | None = None
    """The kind of the elements, for a list of texts or integers."""

    elements: Any = field(default=None, hash=False, compare=False, repr=False)
    """The type of a JSON field, if what it holds is of stated types."""

    dynamic_default: DynamicDefault[Any] | None = field(default=None, hash=False)
    """The default that is evaluated for each new document or row."""

    enum: type[enum.Enum] | None = field(default=None, hash=False)
    child: type[BaseModel] | None = field(default=None, hash=False)
    field_type: FieldType[Any] | None = field(default=None, hash=False)
    """The field type of a field of the kind `custom`."""
    parts: tuple[FieldSpec, ...] = field(default=(), repr=False)
    """The columns of a field of the kind `custom`."""
    ext: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """Keywords of third parties by namespace, as their models have validated them."""

    @property
    def is_scalar(self) -> bool:
        """True if the field is a column of the document's own table."""
        return self.kind is not FieldKind.CHILDREN

    @property
    def columns(self) -> tuple[FieldSpec, ...]:
        """The columns that hold the field: itself, or the parts of its field type."""
        return self.parts or (self,)

    def parts_of(self, value: Any) -> tuple[Any, ...]:
        """Return what the columns hold of a stored value."""
        if self.field_type is None:
            return (value,)
        return (None,) * len(self.parts) if value is None else self.field_type.to_parts(value)


def read_field_spec(name: str, info: FieldInfo, types: Mapping[type, FieldType[Any]] = _NO_TYPES) -> FieldSpec:
    """Compile a pydantic field, whose annotation may be one of the Python classes of field types.

    Raises ValueError stating what was expected for an invalid declaration.
    """
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    keywords: dict[str, Any] = {key: extra[key] for key in KEYWORDS if key in extra}
    _check_keywords(keywords)
    annotation, nullable = _strip(info.annotation)
    nullable = nullable or annotation in _ANYTHING
    field_type = _field_type(annotation, types)
    kind, choices, child = (FieldKind.CUSTOM, (), None) if field_type else _kind(annotation)
    members = None if field_type else _enum(annotation)
    if keywords.get("fetch_from"):
        keywords["read_only"] = True
    required = info.default is PydanticUndefined and info.default_factory is None
    if info.default is None and not nullable:
        raise ValueError("expected '… | None' as the type of a field that may be None")
    parts = tuple(_part(name, part, nullable) for part in field_type.parts) if field_type else ()
    spec = FieldSpec(
        name, kind, nullable, required, choices=choices, items=_items(annotation), enum=members, child=child,
        elements=annotation if kind is FieldKind.JSON and not _is_open(annotation) else None,
        field_type=field_type, parts=parts, dynamic_default=_dynamic_default(info), **keywords,
    )  # fmt: skip
    _check(spec)
    return spec


def _dynamic_default(info: FieldInfo) -> DynamicDefault[Any] | None:
    factory: Any = info.default_factory
    return factory if isinstance(factory, DynamicDefault) else None


def _field_type(annotation: Any, types: Mapping[type, FieldType[Any]]) -> FieldType[Any] | None:
    return types.get(annotation) if isinstance(annotation, type) else None


def _part(name: str, part: Part, nullable: bool) -> FieldSpec:
    # No field's name has two underscores, so this is the column of no other field.
    return FieldSpec(f"{name}__{part.name}" if part.name else name, part.kind, nullable, scale=part.scale)


def _check_keywords(keywords: Mapping[str, Any]) -> None:
    for name, value in keywords.items():
        expected = _KEYWORD_TYPES[name]
        if value is not None and (not isinstance(value, expected) or (expected is int and isinstance(value, bool))):
            raise ValueError(f"{name}={value!r}: expected {_KEYWORD_WORDS[expected]}")


def _enum(annotation: Any) -> type[enum.Enum] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, enum.Enum) else None


def _strip(annotation: Any) -> tuple[Any, bool]:
    """Return the annotation without `Annotated` and `None`, and whether it included None."""
    if get_origin(annotation) is Annotated:
        return _strip(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        members = [member for member in get_args(annotation) if member is not NoneType]
        if len(members) == 1 and len(members) < len(get_args(annotation)):
            return _strip(members[0])[0], True
    return annotation, False


def _kind(annotation: Any) -> tuple[FieldKind, tuple[str, ...], type[BaseModel] | None]:
    if annotation in _SCALARS:
        return _SCALARS[annotation], (), None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal and all(isinstance(choice, str) for choice in arguments):
        return FieldKind.TEXT, arguments, None
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _enum_kind(annotation)
    if origin is list and arguments and _is_child(arguments[0]):
        return FieldKind.CHILDREN, (), arguments[0]
    if origin is list and arguments and isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel):
        name = arguments[0].__name__
        raise ValueError(f"list[{name}]: {name} is not a child table: set is_child_table = True in its Meta")
    if origin is list and arguments and isinstance(arguments[0], (str, ForwardRef)):
        raise ValueError(f"{annotation}: expected a known class: write the annotation without quotes, below the class")
    if annotation in _JSON or origin in _JSON:
        for error in find_unseeded_types(annotation):
            raise ValueError(error)
        for error in find_json_type_errors(annotation):
            raise ValueError(error)
        return FieldKind.JSON, (), None
    if _is_document(annotation):
        name = annotation.__name__
        write = f"list[{name}] = []" if _is_child(annotation) else f"UUID and Field(link={name!r})"
        raise ValueError(f"{name} is a DocType, which no field holds by itself: write {write}")
    raise ValueError(
        f"type {annotation!r} cannot be stored: expected str, int, float, bool, datetime, date, Decimal, UUID, "
        "bytes, a Literal or Enum of strings, list, dict, a list of a child DocType, or the class of a field type"
    )


def _enum_kind(annotation: type[enum.Enum]) -> tuple[FieldKind, tuple[str, ...], None]:
    values = [member.value for member in annotation]
    if all(isinstance(value, str) for value in values):
        return FieldKind.TEXT, tuple(values), None
    if all(isinstance(value, int) for value in values):
        return FieldKind.INTEGER, (), None
    raise ValueError(f"enum {annotation.__name__} must have values that are all str or all int")


def _items(annotation: Any) -> FieldKind | None:
    """Return the kind of a list's elements if it is text or integer."""
    if get_origin(annotation) is not list:
        return None
    element, nullable = _strip(get_args(annotation)[0])
    if nullable or _is_child(element):
        return None
    try:
        kind = _kind(element)[0]
    except ValueError:
        return None
    return kind if kind in _ITEM_KINDS else None


def _is_open(annotation: Any) -> bool:
    """Return whether a list or object may hold anything."""
    if get_origin(annotation) in _JSON and get_args(annotation):
        return _is_open(get_args(annotation)[-1])
    return annotation in _JSON


def _is_child(argument: Any) -> bool:
    meta = getattr(argument, "Meta", None)
    return isinstance(argument, type) and issubclass(argument, BaseModel) and getattr(meta, "is_child_table", False)


def _is_document(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel) and "docstatus" in annotation.model_fields


def _check(spec: FieldSpec) -> None:
    if spec.on_cancel is not None and not (spec.link and spec.on_cancel in _ON_CANCEL):
        expected = "'refuse' or 'allow'" if spec.link else "it on a field with link= only"
        raise ValueError(f"on_cancel={spec.on_cancel!r}: expected {expected}")
    if spec.kind is FieldKind.DECIMAL and spec.scale is None:
        raise ValueError("expected a scale for a Decimal, such as Field(scale=2)")
    if spec.scale is not None and (spec.kind is not FieldKind.DECIMAL or not 0 <= spec.scale < DECIMAL_DIGITS):
        raise ValueError(f"scale={spec.scale}: expected 0 to {DECIMAL_DIGITS - 1}, on a Decimal")
    _check_dynamic_default(spec)
    if spec.link and spec.kind is not FieldKind.UUID:
        raise ValueError(f"link={spec.link!r}: expected the type UUID, since a link holds the target's id")
    if spec.unique and (spec.kind is FieldKind.JSON or not spec.is_scalar):
        raise ValueError(f"unique=True: expected a scalar type, got {_describe(spec)}")
    if (spec.unique or spec.index) and not is_indexable(spec):
        option = "unique" if spec.unique else "index"
        raise ValueError(f"{option}=True: expected values that can be compared, got {_describe(spec)}")


def _check_dynamic_default(spec: FieldSpec) -> None:
    default = spec.dynamic_default
    if default is None:
        return
    if spec.kind not in default.kinds or spec.choices:
        kinds = " or ".join(sorted(default.kinds))
        raise ValueError(f"default={default!r}: expected it on the kind {kinds}, got {_describe(spec)}")
    if default.kinds & {FieldKind.UUID} and not spec.nullable:
        raise ValueError(f"default={default!r}: expected '… | None' as the type, since guests are no users")
    if spec.kind is FieldKind.UUID and spec.link != "User":
        raise ValueError(f"default={default!r}: expected link='User' on a field of ids")
    if spec.fetch_from:
        raise ValueError(f"default={default!r} has no effect, as the value follows its link: remove it")


def is_indexable(spec: FieldSpec) -> bool:
    """Return whether the field can be part of an index."""
    if spec.field_type is not None:
        return "eq" in spec.field_type.operators
    return spec.is_scalar and spec.kind not in {FieldKind.JSON, FieldKind.BYTES}


def _describe(spec: FieldSpec) -> str:
    return f"the field type {spec.field_type.name}" if spec.field_type else f"the kind {spec.kind}"


def is_built_in(annotation: object) -> bool:
    """Return whether the framework itself stores a class of values, so that no field type can."""
    if not isinstance(annotation, type):
        return False
    return annotation in _SCALARS or annotation in _JSON or issubclass(annotation, (enum.Enum, *_CONTAINERS))
