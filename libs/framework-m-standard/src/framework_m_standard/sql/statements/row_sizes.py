"""Expressions of how many bytes a row has, which read no long value where the database knows its length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from framework_m_core.spi import VALUE_BYTES, FieldKind, FieldSpec
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE

__all__ = ["bytes_of_columns", "bytes_of_rows"]

_LONG: Final = frozenset({FieldKind.TEXT, FieldKind.JSON, FieldKind.BYTES})


def bytes_of_columns(dialect: str, table: sa.FromClause, specs: Iterable[FieldSpec]) -> Any:
    """Return about how many bytes the columns of some fields hold."""
    columns = [column for spec in specs for column in spec.columns]
    lengths = [_length(dialect, table.c[one.name], one.kind) for one in columns if one.kind in _LONG]
    fixed: Any = sa.literal_column(str(VALUE_BYTES * len(columns)))
    return sum((sa.func.coalesce(length, sa.literal_column("0")) for length in lengths), start=fixed)


def bytes_of_rows(dialect: str, child: sa.FromClause, specs: Iterable[FieldSpec], parent: Any) -> Any:
    """Return about how many bytes the child rows of a parent hold."""
    total = sa.func.coalesce(sa.func.sum(bytes_of_columns(dialect, child, specs)), sa.literal_column("0"))
    return sa.select(sa.cast(total, sa.BigInteger())).where(child.c.parent == parent).scalar_subquery()


def _length(dialect: str, column: Any, kind: FieldKind) -> Any:
    if dialect == SQLITE:  # its octet_length is too new
        return sa.func.length(sa.cast(column, sa.LargeBinary()))
    return sa.func.octet_length(sa.cast(column, sa.Text()) if kind is FieldKind.JSON and dialect != MARIADB else column)
