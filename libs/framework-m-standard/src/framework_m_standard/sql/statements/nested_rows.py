"""Child rows nested in the statement that reads their parents: as composites on PostgreSQL, as JSON on MariaDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from framework_m_core.spi import FieldKind, FieldSpec
from framework_m_standard.sql.engine.row_codec import MARIADB, Convert

__all__ = ["decode_json_rows", "select_rows"]


def select_rows(dialect: str, table: sa.Table, specs: Iterable[FieldSpec], parent: Any) -> Any:
    """Return a subquery of all child rows of a parent as one value."""
    columns = [(table.c[column.name], column.kind) for spec in specs for column in spec.columns]
    if dialect == MARIADB:
        row = sa.func.json_array(*(_JSON_FORMS.get(kind, _as_it_is)(column) for column, kind in columns))
        rows = sa.func.json_arrayagg(row.op("ORDER BY")(table.c.idx))
    else:
        row = sa.func.row(*(column for column, _ in columns))
        rows = sa.func.array_agg(aggregate_order_by(row, table.c.idx))
    return sa.select(rows).where(table.c.parent == parent).scalar_subquery()


def decode_json_rows(specs: Iterable[FieldSpec]) -> Convert:
    """Return the conversion of MariaDB's nested rows to rows in the driver's form."""
    kinds = [column.kind for spec in specs for column in spec.columns]
    converts = [(place, _FROM_JSON[kind]) for place, kind in enumerate(kinds) if kind in _FROM_JSON]

    def decode(text: str) -> Sequence[Sequence[Any]]:
        rows: list[list[Any]] = json.loads(text)
        for row in rows:
            for place, convert in converts:
                if row[place] is not None:
                    row[place] = convert(row[place])
        return [tuple(row) for row in rows]

    return decode


def _as_it_is(column: Any) -> Any:
    return column


def _text(column: Any) -> Any:
    return sa.cast(column, sa.CHAR())


_JSON_FORMS: Final[Mapping[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.UUID: sa.func.hex,
    FieldKind.BYTES: sa.func.hex,
    FieldKind.DECIMAL: _text,
    FieldKind.FLOAT: _text,
    FieldKind.JSON: _text,
}
"""What JSON would not hold exactly, as text."""

_FROM_JSON: Final[Mapping[FieldKind, Convert]] = {
    FieldKind.UUID: lambda digits: UUID(hex=digits).bytes,
    FieldKind.BYTES: bytes.fromhex,
    FieldKind.DECIMAL: Decimal,
    FieldKind.FLOAT: float,
    FieldKind.DATE: date.fromisoformat,
    FieldKind.DATETIME: datetime.fromisoformat,
}
