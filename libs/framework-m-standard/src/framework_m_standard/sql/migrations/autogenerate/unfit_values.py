"""Finding the stored values that a field no longer accepts in a SQL database."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from framework_m_core.spi import (
    FieldKind,
    FieldSpec,
    Refusal,
    RefusedValues,
    RegistryView,
    StoredFields,
    format_odd_names,
    is_odd_name,
    list_stored_fields,
)
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.schema.existing import ExistingColumn, read_with
from framework_m_standard.sql.schema.field_registry import KindType, is_type_of, text_of_type
from framework_m_standard.sql.schema.tables import format_table_name

__all__ = ["find_unfit_values"]

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "is_null": lambda column, _: column.is_(None),
    "not_in": lambda column, values: column.not_in(values),
    "longer": operator.gt,
    "shorter": operator.lt,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_LENGTHS: Final = frozenset({"longer", "shorter"})
_NUMBERS: Final = frozenset({FieldKind.INTEGER, FieldKind.FLOAT, FieldKind.DECIMAL})
_MAX_NAMED: Final = 3
_IN_BATCHES: Final = {"yield_per": 1_000}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of documents, or of their rows with the table of the documents."""

    name: str
    documents: str

    @property
    def live(self) -> tuple[sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[str]]:
        """What to select from, the condition for documents that are not deleted, and their names."""
        owner = sa.table(self.documents, *map(sa.column, ("id", "name", "deleted_at"))).alias("owner")
        held = sa.table(self.name, *map(sa.column, ("id", "parent"))).alias("held")
        key = held.c.id if self.name == self.documents else held.c.parent
        return held.join(owner, owner.c.id == key), owner.c.deleted_at.is_(None), owner.c.name


def find_unfit_values(connection: sa.Connection, registry: RegistryView) -> list[str]:
    """Return a line, with a count and some documents, for each field of apps that would refuse stored values."""
    there = read_with(connection).columns
    lines: list[str] = []
    for fields in list_stored_fields(registry):
        documents = format_table_name(fields.plan.name)
        table = _Table(format_table_name(fields.plan.name, fields.child.field if fields.child else None), documents)
        columns = there.get(table.name, {})
        if columns and fields.has_names:
            lines += _of_names(connection, fields.plan.name, documents)
        for spec in fields.specs:
            if _is_kept_as_declared(connection, columns, spec.columns[0]):
                lines += _of_field(connection, table, fields, spec)
    return lines


def _is_kept_as_declared(connection: sa.Connection, columns: Mapping[str, ExistingColumn], column: FieldSpec) -> bool:
    """Return whether a column exists and has the type of its field: another one is converted before it is compared."""
    found, id = columns.get(column.name), columns.get("id")
    wanted = text_of_type(connection.dialect, KindType(column.kind, column.scale))
    return found is not None and is_type_of(found.type, wanted, id=id.type if id else None)


def _of_names(connection: sa.Connection, doctype: str, documents: str) -> Iterator[str]:
    table = sa.table(documents, *map(sa.column, ("name", "deleted_at")))
    query = sa.select(table.c.name).where(table.c.deleted_at.is_(None))
    odd = [*filter(is_odd_name, connection.scalars(query, execution_options=_IN_BATCHES))]
    if odd:
        yield format_odd_names(doctype, odd)


def _of_field(connection: sa.Connection, table: _Table, fields: StoredFields, spec: FieldSpec) -> Iterator[str]:
    stored = spec.columns[0]
    column: sa.ColumnElement[Any] = sa.literal_column(f'held."{stored.name}"', KindType(stored.kind, stored.scale))
    for refusal in fields.list_refusals(spec):
        if refusal.comparing == "fails":
            found = _check(connection, table, column, refusal)
        else:
            found = _count(connection, table, _condition(connection, stored, column, refusal))
        if found.count:
            yield fields.format_line(refusal, found)


def _condition(connection: sa.Connection, spec: FieldSpec, column: Any, refusal: Refusal) -> Any:
    value = refusal.value
    if refusal.comparing in _LENGTHS:
        characters = sa.func.char_length if connection.dialect.name == MARIADB else sa.func.length
        column = characters(column)
    elif spec.kind in _NUMBERS and refusal.comparing not in {"is_null", "not_in"}:
        value = _number(connection, spec, value)
    return _COMPARISONS[refusal.comparing](column, value)


def _number(connection: sa.Connection, spec: FieldSpec, bound: Any) -> sa.ColumnElement[Any]:
    """Return a bound as the database compares it with the column: SQLite holds decimals as scaled integers."""
    exact = Decimal(str(bound))
    if spec.kind is FieldKind.DECIMAL and connection.dialect.name == "sqlite":
        exact = exact.scaleb(spec.scale or 0)
    return sa.literal_column(f"{exact:f}")


def _count(connection: sa.Connection, table: _Table, condition: Any) -> RefusedValues:
    source, is_live, name = table.live
    chosen = sa.and_(is_live, condition)
    found = RefusedValues()
    if count := connection.scalar(sa.select(sa.func.count()).select_from(source).where(chosen)):
        names = sa.select(name).select_from(source).where(chosen).order_by(name).distinct().limit(_MAX_NAMED)
        found.add(count, connection.scalars(names))
    return found


def _check(connection: sa.Connection, table: _Table, column: sa.ColumnElement[Any], refusal: Refusal) -> RefusedValues:
    """Ask the check of a refusal of each stored value."""
    source, is_live, name = table.live
    query = sa.select(column, name).select_from(source).where(is_live, column.is_not(None))
    found = RefusedValues()
    for value, document in connection.execute(query, execution_options=_IN_BATCHES):
        if refusal.is_failed_by(value):
            found.add(1, (document,))
    return found
