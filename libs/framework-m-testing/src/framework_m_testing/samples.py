"""Sample values for fields, for tests in which any valid value will do."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args, get_origin
from uuid import UUID

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec

__all__ = ["make_sample_value"]

_BY_KIND: Final[Mapping[FieldKind, Callable[[int], Any]]] = {
    FieldKind.INTEGER: int,
    FieldKind.FLOAT: float,
    FieldKind.BOOLEAN: bool,
    FieldKind.DATETIME: lambda number: f"2036-01-31T12:00:00.{number:06d}Z",
    FieldKind.DATE: lambda _: "2036-01-31",
    FieldKind.DECIMAL: str,
    FieldKind.UUID: lambda number: str(UUID(int=number)),
    FieldKind.BYTES: lambda number: base64.b64encode(str(number).encode()).decode(),
    FieldKind.CHILDREN: lambda _: [],
}


def make_sample_value(spec: FieldSpec, number: int, annotation: Any = None) -> Any:
    """Return a value as in a request; different numbers give different values, if the kind has enough of them.

    Dates lie in the future, as most rules require. The annotation determines whether JSON is a list; without it, the
    value is an object.
    """
    if spec.choices:
        return spec.choices[0]
    if spec.enum:
        return next(iter(spec.enum)).value
    if spec.field_type is not None:
        return spec.field_type.json_schema()["examples"][0]
    if spec.kind is FieldKind.TEXT:
        return f"sample{number}@example.com" if "email" in spec.name else f"{spec.name} {number}"
    if spec.kind is FieldKind.JSON:
        kinds = (annotation, *get_args(annotation))
        return [] if any(kind is list or get_origin(kind) is list for kind in kinds) else {"number": number}
    return _BY_KIND[spec.kind](number)
