"""Field information kept with a column: the default for stored rows, and whether they need a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from framework_m_core.domain.fields.defaults import stored_default
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_standard.sql.statements.row_codec import encoder

__all__ = ["column_default", "field_info", "needs_value"]

_DEFAULT = "default"
_NEEDS_VALUE = "needs_value"


def field_info(dialect: str, model: type[BaseModel], spec: FieldSpec, part: int) -> dict[str, Any]:
    """Return the `info` of a field's column, of which it may have several."""
    column = spec.columns[part]
    make: Callable[[], Any] = lambda: _encoded(dialect, column, spec.parts_of(stored_default(model, spec))[part])  # noqa: E731
    return {_DEFAULT: make, _NEEDS_VALUE: not spec.nullable}


def column_default(column: sa.Column[Any]) -> Any:
    """Return the field's default in the form that a literal of its column type needs, or None."""
    make = column.info.get(_DEFAULT)
    return make() if make else None


def needs_value(column: sa.Column[Any]) -> bool:
    """Return whether documents must have a value in the field."""
    return bool(column.info.get(_NEEDS_VALUE))


def _encoded(dialect: str, spec: FieldSpec, value: Any) -> Any:
    encode = encoder(dialect, spec)
    return encode(value) if encode and value is not None else value
