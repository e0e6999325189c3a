"""Field information kept with a column: the default for stored rows, and whether they need a value."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from framework_m_core.spi import FieldSpec, default_of
from framework_m_standard.sql.engine.row_codec import make_encoder

__all__ = ["convert_column_default", "default_value_of", "field_info_of", "needs_value"]

_DEFAULT = "default"
_ENCODE = "encode"
_NEEDS_VALUE = "needs_value"


def field_info_of(dialect: str, model: type[BaseModel], spec: FieldSpec, part: int) -> dict[str, Any]:
    """Return the `info` of a field's column, of which it may have several."""
    return {
        _DEFAULT: lambda: spec.parts_of(default_of(model, spec))[part],
        _ENCODE: lambda: make_encoder(dialect, spec.columns[part]),
        _NEEDS_VALUE: not spec.nullable,
    }


def default_value_of(column: sa.Column[Any]) -> Any:
    """Return the field's default for stored rows, or None."""
    make = column.info.get(_DEFAULT)
    return make() if make else None


def convert_column_default(column: sa.Column[Any]) -> Any:
    """Return that default in the form that a literal of the column's type needs, or None."""
    value = default_value_of(column)
    encode = None if value is None else column.info[_ENCODE]()
    return encode(value) if encode else value


def needs_value(column: sa.Column[Any]) -> bool:
    """Return whether documents must have a value in the field."""
    return bool(column.info.get(_NEEDS_VALUE))
