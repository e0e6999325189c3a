"""The kind of field for which a database column was created, as far as its type shows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from framework_m_core.domain.fields.spec import FieldKind
from framework_m_standard.sql.migrations.operations.column_types import KindType
from framework_m_standard.sql.schema.field_registry import KindText

__all__ = ["kind_type_of"]

_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], FieldKind], ...] = (
    (sa.Boolean, FieldKind.BOOLEAN),
    (sa.SmallInteger, FieldKind.BOOLEAN),  # SQLite's
    (sa.Integer, FieldKind.INTEGER),
    (sa.Float, FieldKind.FLOAT),
    (sa.DateTime, FieldKind.DATETIME),
    (sa.Date, FieldKind.DATE),
    (sa.Uuid, FieldKind.UUID),
    (sa.JSON, FieldKind.JSON),
    (sa.LargeBinary, FieldKind.BYTES),
)


def kind_type_of(type_: Any) -> KindType:
    """Return the field type of a column type; text if nothing else fits."""
    if isinstance(type_, KindText):
        return KindType(type_.kind)
    if isinstance(type_, sa.Numeric) and not isinstance(type_, sa.Float) and type_.scale is not None:
        return KindType(FieldKind.DECIMAL, type_.scale)
    kind = next((kind for vendor, kind in _KINDS if isinstance(type_, vendor)), FieldKind.TEXT)
    return KindType(kind)
