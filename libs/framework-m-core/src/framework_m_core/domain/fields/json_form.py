"""JSON form of values that JSON cannot hold as they are: bytes, and the values of field types."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_core.domain.fields.spec import FieldSpec

__all__ = ["JsonEncoders", "encode_base64", "is_same_json", "json_encoders_of", "to_json_form"]

type JsonEncoders = Mapping[type, Callable[[Any], Any]]
"""Functions that return a value of a class as JSON."""


def json_encoders_of(specs: Iterable[FieldSpec]) -> JsonEncoders:
    """Return the functions that some fields need; none if JSON can hold all their values."""
    found: dict[type, Callable[[Any], Any]] = {}
    for spec in specs:
        if spec.field_type is not None:
            found[spec.field_type.python_type] = spec.field_type.to_json
        elif spec.kind is FieldKind.BYTES:
            found[bytes] = encode_base64
    return found


def to_json_form(value: Any, encoders: JsonEncoders) -> Any:
    """Return documents, child rows or values with everything that the encoders know as JSON, in new containers."""
    if (encode := encoders.get(type(value))) is not None:
        return encode(value)
    if isinstance(value, Mapping):
        return {key: to_json_form(item, encoders) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_form(item, encoders) for item in value]
    return value


def is_same_json(old: Any, new: Any) -> bool:
    """Return whether two values are equal, in JSON too, where true is not 1."""
    return bool(old == new) and _has_same_flags(old, new)


def _has_same_flags(old: Any, new: Any) -> bool:
    if isinstance(old, dict):
        return all(_has_same_flags(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return all(map(_has_same_flags, old, new))
    return isinstance(old, bool) is isinstance(new, bool)


def encode_base64(value: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(value).decode()
