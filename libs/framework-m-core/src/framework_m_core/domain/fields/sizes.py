"""About how many bytes values have, counted alike in every store and in the services."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import to_json

from framework_m_core.domain.fields.spec import FieldSpec

__all__ = ["VALUE_BYTES", "bytes_of", "measure_value"]

VALUE_BYTES: Final = 16
"""Bytes that every stored value counts, besides the length of a text, JSON or bytes."""


def measure_value(spec: FieldSpec, value: Any) -> int:
    """Return about how many bytes the columns of a field hold for a value."""
    return sum(map(bytes_of, spec.parts_of(value)))


def bytes_of(value: Any) -> int:
    """Return about how many bytes a stored value has."""
    if isinstance(value, str):
        return VALUE_BYTES + len(value.encode())
    if isinstance(value, bytes):
        return VALUE_BYTES + len(value)
    return VALUE_BYTES + (len(to_json(value)) if isinstance(value, (list, dict)) else 0)
