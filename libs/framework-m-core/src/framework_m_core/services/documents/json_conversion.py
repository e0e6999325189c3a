"""JSON from callers, converted by declared types: the fields of documents and, as strictly, the arguments of calls.

Pydantic then checks the constraints. In its lax mode alone it would take 5 for a datetime and "yes" for true.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.errors import FieldError
from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import InvalidValueError, from_json, normalize_value, parse_decimal
from framework_m_core.services.documents.validation import field_error_of

__all__ = ["convert", "convert_arguments"]

_SCALARS: Final[Mapping[type, FieldSpec]] = {
    str: FieldSpec("", FieldKind.TEXT),
    int: FieldSpec("", FieldKind.INTEGER),
    float: FieldSpec("", FieldKind.FLOAT),
    bool: FieldSpec("", FieldKind.BOOLEAN),
    datetime: FieldSpec("", FieldKind.DATETIME),
    date: FieldSpec("", FieldKind.DATE),
    UUID: FieldSpec("", FieldKind.UUID),
    bytes: FieldSpec("", FieldKind.BYTES),
}
_NAMES: Final[Mapping[type, str]] = {str: "text", int: "integer", float: "float", bool: "boolean", bytes: "bytes"}
_ANYTHING: Final = (Any, object, dict, list, Mapping, Sequence)
_JSON: Final = FieldSpec("", FieldKind.JSON)
_MAX_ERRORS: Final = 1_000


type _Tried = dict[str, tuple[Any, list[FieldError]]]
"""What became of arrays and objects as members of unions, by the ids of member and value.

Unions within unions of one value would otherwise be converted again by each outer member, twice as often per level.
"""


def convert_arguments(model: type[BaseModel], given: Mapping[str, Any], errors: list[FieldError]) -> dict[str, Any]:
    """Return the values of a model's fields, converted from JSON; append an error for each that is of another type."""
    return _Conversion(errors).fields(model, given, "")


def convert(annotation: Any, raw: Any, errors: list[FieldError], at: str) -> Any:
    """Return a value of a type, converted from JSON; append an error for each part that is of another type."""
    return _Conversion(errors).value(annotation, raw, at)


@dataclass(frozen=True, slots=True)
class _Conversion:
    """One conversion: the errors found, the members of unions tried, and the hints of types by their ids."""

    errors: list[FieldError]
    tried: _Tried = field(default_factory=dict)
    hints: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def fields(self, model: type[BaseModel], given: Mapping[str, Any], at: str) -> dict[str, Any]:
        aliases = {info.alias: info for info in model.model_fields.values() if info.alias}
        fields, found = {**model.model_fields, **aliases}, dict[str, Any]()
        for name, raw in given.items():
            info = fields.get(name)
            found[name] = self.value(Any if info is None else info.annotation, raw, at + name)
        return found

    def value(self, annotation: Any, raw: Any, at: str) -> Any:
        if len(self.errors) >= _MAX_ERRORS:
            return raw
        try:
            return self._converted(annotation, raw, at)
        except (ValueError, OverflowError) as error:
            self.errors.append(field_error_of(at, error, "wrong_type"))
            return raw

    def _converted(self, annotation: Any, raw: Any, at: str) -> Any:
        annotation = _plain(annotation)
        if raw is None:
            return None  # pydantic says whether it may be
        if annotation in _SCALARS:
            spec = _SCALARS[annotation]
            return normalize_value(spec, from_json(spec, raw))
        if annotation is Decimal:
            return parse_decimal(raw)
        if annotation in (time, timedelta) and not isinstance(raw, str):
            raise InvalidValueError("wrong_type", type="text")
        if annotation in _ANYTHING:
            return normalize_value(_JSON, raw)
        return self._parts(annotation, raw, at)

    def _parts(self, annotation: Any, raw: Any, at: str) -> Any:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin in {Union, UnionType}:
            return self._first_of(arguments, raw, at)
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            return _choice([member.value for member in annotation], raw)
        if origin is Literal:
            return _choice(arguments, raw)
        if isinstance(raw, list) and arguments and isinstance(origin, type) and not issubclass(origin, Mapping):
            return [self.value(_item(arguments, place), item, f"{at}.{place}") for place, item in enumerate(raw)]
        if isinstance(raw, Mapping):
            return self._object(annotation, raw, at)
        return normalize_value(_JSON, raw)

    def _object(self, annotation: Any, raw: Mapping[str, Any], at: str) -> Any:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if isinstance(origin, type) and issubclass(origin, Mapping) and arguments:
            normalize_value(_JSON, dict.fromkeys(raw))  # the names of keys alone
            return {key: self.value(arguments[-1], value, f"{at}.{key}") for key, value in raw.items()}
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self.fields(annotation, raw, f"{at}.")
        if is_typeddict(annotation) or is_dataclass(annotation):
            place = str(id(annotation))
            if (hints := self.hints.get(place)) is None:
                hints = self.hints[place] = get_type_hints(annotation)
            return {key: self.value(hints.get(key, object), value, f"{at}.{key}") for key, value in raw.items()}
        return normalize_value(_JSON, raw)

    def _first_of(self, members: tuple[Any, ...], raw: Any, at: str) -> Any:
        """Return the value as of the first member that takes it; if none does, add the first one's errors."""
        refused: list[list[FieldError]] = []
        for member in members:
            if _plain(member) is NoneType:
                continue
            value, errors = self._try(member, raw, at)
            if not errors:
                return value
            refused.append(errors)
        self.errors.extend(refused[0])
        return raw

    def _try(self, member: Any, raw: Any, at: str) -> tuple[Any, list[FieldError]]:
        key = f"{id(member)} {id(raw)}"
        if key in self.tried:
            return self.tried[key]
        errors: list[FieldError] = []
        found = _Conversion(errors, self.tried, self.hints).value(member, raw, at), errors
        if isinstance(raw, (dict, list)):  # other values may be one object in several places
            self.tried[key] = found
        return found


def _plain(annotation: Any) -> Any:
    """Return a type without aliases, names and metadata."""
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        else:
            return annotation


def _item(arguments: tuple[Any, ...], place: int) -> Any:
    if len(arguments) == 1 or arguments[-1] is Ellipsis:
        return arguments[0]
    return arguments[place] if place < len(arguments) else object


def _choice(choices: Sequence[Any], raw: Any) -> Any:
    """Return a value that may be one of the choices, each of its own type: pydantic would take "1" for 1."""
    known = {type(choice) for choice in choices}
    if type(raw) not in known and known <= _NAMES.keys():
        raise InvalidValueError("wrong_type", type=_NAMES[next(iter(known))])
    return normalize_value(_JSON, raw)  # what no field takes is refused as fields do
