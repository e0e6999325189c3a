"""JSON form of values that JSON cannot hold as they are: bytes, and the values of field types."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_core.domain.fields.spec import FieldSpec

__all__ = ["JsonEncoders", "base64_text", "json_encoders", "json_form"]

type JsonEncoders = Mapping[type, Callable[[Any], Any]]
"""Functions that return a value of a class as JSON."""


def json_encoders(specs: Iterable[FieldSpec]) -> JsonEncoders:
    """Return the functions that some fields need; none if JSON can hold all their values."""
    found: dict[type, Callable[[Any], Any]] = {}
    for spec in specs:
        if spec.field_type is not None:
            found[spec.field_type.python_type] = spec.field_type.to_json
        elif spec.kind is FieldKind.BYTES:
            found[bytes] = base64_text
    return found


def json_form(value: Any, encoders: JsonEncoders) -> Any:
    """Return documents, child rows or values with everything that the encoders know as JSON, in new containers."""
    if (encode := encoders.get(type(value))) is not None:
        return encode(value)
    if isinstance(value, Mapping):
        return {key: json_form(item, encoders) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_form(item, encoders) for item in value]
    return value


def base64_text(value: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(value).decode()
