"""`SqlReader`: port `DocumentReaderProtocol`.

On servers child rows are nested in the same statement, unless it locks; else further statements read them, on SQLite
on the same snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from framework_m_core.spi import (
    FRAMEWORK_SPECS,
    ChildSelection,
    CompiledChildTable,
    CompiledDocType,
    FieldKind,
    FieldSpec,
    QueryTemplate,
    ReadHandle,
    RequestContext,
    Row,
)
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.row_codec import MARIADB, Convert, make_decoder
from framework_m_standard.sql.engine.statement import Statement, compile_statement, make_parameter
from framework_m_standard.sql.statements.filter_compiler import FilterCompiler
from framework_m_standard.sql.statements.nested_rows import decode_json_rows, select_rows
from framework_m_standard.sql.statements.row_sizes import bytes_of_columns, bytes_of_rows
from framework_m_standard.sql.store import SqlStore

__all__ = ["Prepared", "SqlReader", "run_prepared"]


@dataclass(frozen=True, slots=True, eq=False)
class _RowDecoding:
    """Converters of single columns by place, and of several columns that hold one field: place, number, converter.

    Places are those in the driver's row; the last come first in `joins`, so that a join moves no other.
    """

    converts: tuple[tuple[int, Convert], ...]
    joins: tuple[tuple[int, int, Convert], ...] = ()

    def decode(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Return the rows as stored values."""
        decoded = []
        for row in rows:
            values = list(row)
            for place, convert in self.converts:
                if values[place] is not None:
                    values[place] = convert(values[place])
            for place, number, join in self.joins:
                parts = values[place : place + number]
                values[place : place + number] = [None if None in parts else join(parts)]
            decoded.append(tuple(values))
        return decoded


@dataclass(frozen=True, slots=True, eq=False)
class _Children:
    """A child selection read by its own statement, once per parent; `place` is its index in the row."""

    place: int
    statement: Statement
    decoding: _RowDecoding | None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A compiled query template: the statement, the decoding of its rows, and its child statements, if any."""

    statement: Statement
    decoding: _RowDecoding | None
    children: tuple[_Children, ...]
    locks: bool
    paged: bool = False


class SqlReader:
    """A reader of rows, which it does not turn into documents."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._store = sql_store
        self.heavy_reads = sql_store.global_driver.heavy_reads

    def prepare(self, template: QueryTemplate[CompiledDocType]) -> ReadHandle:
        """Compile a query template. Raises KeyError for unknown names."""
        return ReadHandle(_Preparation(self._store, template).prepare())

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read."""
        prepared: Prepared = handle  # type: ignore[assignment]
        if prepared.children:
            return await self._store.driver_for(context).run_on_snapshot(
                lambda snapshot: run_prepared(snapshot, prepared, values), heavy=prepared.paged
            )
        rows = await self._store.driver_for(context).fetch(prepared.statement, values)
        return prepared.decoding.decode(rows) if prepared.decoding is not None else rows


async def run_prepared(transaction: Transaction, prepared: Prepared, values: Sequence[Any]) -> list[Row]:
    """Run a prepared read and its child statements inside a transaction."""
    rows = await transaction.fetch(prepared.statement, values)
    if prepared.decoding is not None:
        rows = prepared.decoding.decode(rows)
    if not prepared.children:
        return rows
    whole = []
    for row in rows:
        values = list(row[1:])
        for child in prepared.children:
            found = await transaction.fetch(child.statement, row[:1])
            values.insert(child.place, child.decoding.decode(found) if child.decoding is not None else found)
        whole.append(tuple(values))
    return whole


class _Preparation:
    """Builder of the statements of one query template."""

    def __init__(self, store: SqlStore, template: QueryTemplate[CompiledDocType]) -> None:
        self._store = store
        self._template = template
        self._plan = template.doctype
        self._statements = store.statements_of(self._plan)
        self._table = self._statements.table
        # A locking statement that has waited sees the new parent row, but reads nested rows from its old snapshot.
        self._nested = store.global_driver.nested_rows and template.lock is None
        self._dialect = store.global_driver.name

    def prepare(self) -> Prepared:
        compiler = FilterCompiler(self._table, self._plan.specs, self._dialect)
        condition = compiler.compile(self._template.where)
        if self._template.count:
            clause: Any = sa.select(sa.func.count()).select_from(self._table).where(condition)
            return Prepared(self._compile(clause, compiler, heavy=True), None, (), locks=False)
        chosen = [self._size()] if self._template.sizes else self._columns()
        clause = sa.select(*chosen).select_from(self._table).where(condition).order_by(*self._orders())
        if self._template.paged:
            clause = clause.limit(compiler.add_integer()).offset(compiler.add_integer())
        if self._template.lock:
            lock = self._template.lock
            clause = clause.with_for_update(read=lock == "share", key_share=lock in {"share", "change"})
        if self._template.sizes:
            return Prepared(self._compile(clause, compiler, heavy=self._template.paged), None, (), locks=False)
        children = () if self._nested else tuple(self._child_statements())
        statement = self._compile(clause, compiler, heavy=self._template.paged and not children)
        decoding, locks = self._decoding(first=1 if children else 0), self._template.lock is not None
        return Prepared(statement, decoding, children, locks, self._template.paged)

    def _size(self) -> Any:
        """Return about how many bytes the chosen fields of a row hold."""
        columns = [self._plan.specs[part] for part in self._template.fields if isinstance(part, str)]
        size = bytes_of_columns(self._dialect, self._table, columns)
        for part in self._selections:
            child = self._plan.children[part.field]
            rows = self._statements.tables.child_table_of(self._plan, child)
            size += bytes_of_rows(self._dialect, rows, _child_specs(child, part), self._table.c.id)
        return size

    @property
    def _selections(self) -> list[ChildSelection]:
        return [part for part in self._template.fields if isinstance(part, ChildSelection)]

    def _columns(self) -> list[Any]:
        chosen: list[Any] = [column for part in self._template.fields for column in self._columns_of(part)]
        if self._selections and not self._nested:
            return [self._table.c.id.label("m_parent"), *chosen]
        return chosen

    def _columns_of(self, part: str | ChildSelection) -> list[Any]:
        if isinstance(part, str):
            return [self._table.c[column.name] for column in self._plan.specs[part].columns]
        return [self._nested_rows(part)] if self._nested else []

    def _nested_rows(self, part: ChildSelection) -> Any:
        """Return a subquery of all child rows as one value."""
        table = self._statements.tables.child_table_of(self._plan, self._plan.children[part.field])
        specs = _child_specs(self._plan.children[part.field], part)
        return select_rows(self._dialect, table, specs, self._table.c.id).label(part.field)

    def _child_statements(self) -> Iterator[_Children]:
        for place, part in enumerate(self._template.fields):
            if isinstance(part, ChildSelection):
                yield self._child_statement(place, part)

    def _child_statement(self, place: int, part: ChildSelection) -> _Children:
        child = self._plan.children[part.field]
        table = self._statements.tables.child_table_of(self._plan, child)
        mine = table.c.parent == make_parameter(0, table.c.parent.type)
        specs = _child_specs(child, part)
        columns = [table.c[column.name] for spec in specs for column in spec.columns]
        clause = sa.select(*columns).where(mine).order_by(table.c.idx)
        statement = self._statements.compile(clause, [FieldSpec("", FieldKind.TEXT)])
        return _Children(place, statement, _row_decoding(self._dialect, specs))

    def _decoding(self, first: int) -> _RowDecoding | None:
        """Return the decoding of rows; a leading parent id stays in the driver's form for the child statements."""
        parts: list[FieldSpec | Convert | None] = []
        for part in self._template.fields:
            if isinstance(part, str):
                parts.append(self._plan.specs[part])
            elif self._nested:
                parts.append(self._nested_decoding(part))
        return _row_decoding(self._dialect, parts, first)

    def _nested_decoding(self, part: ChildSelection) -> Convert | None:
        specs = _child_specs(self._plan.children[part.field], part)
        decoding = _row_decoding(self._dialect, specs)
        if self._dialect != MARIADB:
            return decoding.decode if decoding is not None else None
        from_json = decode_json_rows(specs)
        return from_json if decoding is None else lambda text: decoding.decode(from_json(text))

    def _orders(self) -> Iterator[Any]:
        """Yield what to order by, nulls last; MariaDB has no words for that, and its nulls come first."""
        for one in self._template.order_by:
            spec = self._plan.specs[one.field]
            column = self._table.c[spec.columns[0].name]
            ordered = column.desc() if one.descending else column.asc()
            if not spec.nullable:
                yield ordered
            elif self._dialect != MARIADB:
                yield ordered.nulls_last()
            else:
                yield from (ordered,) if one.descending else (column.is_(None), ordered)

    def _compile(self, clause: Any, compiler: FilterCompiler, *, heavy: bool) -> Statement:
        return compile_statement(clause, self._store.global_driver.dialect, compiler.parameters, heavy=heavy)


def _child_specs(child: CompiledChildTable, part: ChildSelection) -> list[FieldSpec]:
    return [FRAMEWORK_SPECS["id"] if name == "id" else child.fields[name] for name in part.columns]


def _row_decoding(dialect: str, parts: Iterable[FieldSpec | Convert | None], first: int = 0) -> _RowDecoding | None:
    """Return the decoding of rows that begin at a place with these parts; None if there is nothing to decode.

    A part is a field, a converter of one column, or None for a column that stays as it is.
    """
    converts: list[tuple[int, Convert]] = []
    joins: list[tuple[int, int, Convert]] = []
    place = first
    for part in parts:
        columns = part.columns if isinstance(part, FieldSpec) else ()
        decoders = [make_decoder(dialect, column) for column in columns] or [part if callable(part) else None]
        field_type = part.field_type if isinstance(part, FieldSpec) else None
        if field_type is not None and len(decoders) == 1:
            decoders = [_single(field_type.from_parts, decoders[0])]
        elif field_type is not None:
            joins.insert(0, (place, len(decoders), _several(field_type.from_parts)))
        converts += [(place + n, convert) for n, convert in enumerate(decoders) if convert]
        place += len(decoders)
    return _RowDecoding(tuple(converts), tuple(joins)) if converts or joins else None


def _single(from_parts: Callable[[tuple[Any, ...]], Any], decode: Convert | None) -> Convert:
    if decode is None:
        return lambda value: from_parts((value,))
    return lambda value: from_parts((decode(value),))


def _several(from_parts: Callable[[tuple[Any, ...]], Any]) -> Convert:
    return lambda values: from_parts(tuple(values))
