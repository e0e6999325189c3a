"""`SqlReader`: port `DocumentReaderProtocol`.

On PostgreSQL child rows are nested in the same statement; on SQLite further statements read them on the same snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate, ReadHandle, Row
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.statements.compiled import Statement, compile_statement, parameter
from framework_m_standard.sql.statements.filter_compiler import FilterCompiler
from framework_m_standard.sql.statements.row_codec import Convert
from framework_m_standard.sql.store import SqlStore

__all__ = ["Prepared", "SqlReader", "run_prepared"]


@dataclass(frozen=True, slots=True, eq=False)
class _Children:
    """A child selection read by its own statement, once per parent; `place` is its index in the row."""

    place: int
    statement: Statement
    converts: tuple[tuple[int, Convert], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A compiled query template: the statement, the converters of its columns, and its child statements, if any."""

    statement: Statement
    converts: tuple[tuple[int, Convert], ...]
    children: tuple[_Children, ...]
    locks: bool
    paged: bool = False


class SqlReader:
    """A reader of rows, which it does not turn into documents."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._store = sql_store
        self.heavy_reads = sql_store.global_driver.heavy_reads

    def prepare(self, shape: QueryTemplate) -> ReadHandle:
        """Compile a query template. Raises KeyError for unknown names."""
        return ReadHandle(_Preparation(self._store, shape).prepared())

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read."""
        prepared: Prepared = handle  # type: ignore[assignment]
        if prepared.children:
            return await self._store.driver_for(context).snapshot(
                lambda snapshot: run_prepared(snapshot, prepared, values), heavy=prepared.paged
            )
        rows = await self._store.driver_for(context).fetch(prepared.statement, values)
        return _converted(rows, prepared.converts) if prepared.converts else rows


async def run_prepared(transaction: Transaction, prepared: Prepared, values: Sequence[Any]) -> list[Row]:
    """Run a prepared read and its child statements inside a transaction."""
    rows = _converted(await transaction.fetch(prepared.statement, values), prepared.converts)
    if not prepared.children:
        return rows
    whole = []
    for row in rows:
        values = list(row[1:])
        for child in prepared.children:
            found = await transaction.fetch(child.statement, row[:1])
            values.insert(child.place, _converted(found, child.converts))
        whole.append(tuple(values))
    return whole


def _converted(rows: list[Any], converts: tuple[tuple[int, Convert], ...]) -> list[Row]:
    if not converts:
        return rows
    changed = []
    for row in rows:
        values = list(row)
        for place, convert in converts:
            if values[place] is not None:
                values[place] = convert(values[place])
        changed.append(tuple(values))
    return changed


class _Preparation:
    """Builder of the statements of one query template."""

    def __init__(self, store: SqlStore, shape: QueryTemplate) -> None:
        self._store = store
        self._shape = shape
        self._plan: CompiledDocType = shape.doctype
        self._statements = store.statements(self._plan)
        self._table = self._statements.table
        self._nested = store.global_driver.nested_rows

    def prepared(self) -> Prepared:
        compiler = FilterCompiler(self._table, self._plan.specs, self._store.global_driver.name)
        condition = compiler.compile(self._shape.where)
        if self._shape.count:
            clause: Any = sa.select(sa.func.count()).select_from(self._table).where(condition)
            return Prepared(self._compile(clause, compiler, heavy=True), (), (), locks=False)
        clause = sa.select(*self._columns()).where(condition).order_by(*map(self._order, self._shape.order_by))
        if self._shape.paged:
            clause = clause.limit(compiler.integer()).offset(compiler.integer())
        if self._shape.lock:
            lock = self._shape.lock
            clause = clause.with_for_update(read=lock == "share", key_share=lock in {"share", "change"})
        children = () if self._nested else tuple(self._child_statements())
        statement = self._compile(clause, compiler, heavy=self._shape.paged and not children)
        converts, locks = self._converts(shift=1 if children else 0), self._shape.lock is not None
        return Prepared(statement, converts, children, locks, self._shape.paged)

    @property
    def _selections(self) -> list[ChildSelection]:
        return [part for part in self._shape.fields if isinstance(part, ChildSelection)]

    def _columns(self) -> list[Any]:
        scalars: list[Any] = [self._column(part) for part in self._shape.fields]
        chosen = [column for column in scalars if column is not None]
        if self._selections and not self._nested:
            return [self._table.c.id.label("m_parent"), *chosen]
        return chosen

    def _column(self, part: str | ChildSelection) -> Any:
        if isinstance(part, str):
            return self._table.c[part]
        return self._nested_rows(part) if self._nested else None

    def _nested_rows(self, part: ChildSelection) -> Any:
        """Return a subquery of all child rows as one array of composites, which the driver decodes with their types."""
        table = self._statements.tables.child(self._plan, self._plan.children[part.field])
        row = sa.func.row(*(table.c[name] for name in part.columns))
        ordered = sa.func.array_agg(aggregate_order_by(row, table.c.idx))
        return sa.select(ordered).where(table.c.parent == self._table.c.id).scalar_subquery().label(part.field)

    def _child_statements(self) -> Iterator[_Children]:
        for place, part in enumerate(self._shape.fields):
            if isinstance(part, ChildSelection):
                yield self._child_statement(place, part)

    def _child_statement(self, place: int, part: ChildSelection) -> _Children:
        child = self._plan.children[part.field]
        table = self._statements.tables.child(self._plan, child)
        mine = table.c.parent == parameter(0, table.c.parent.type)
        clause = sa.select(*(table.c[name] for name in part.columns)).where(mine).order_by(table.c.idx)
        statement = self._statements.compile(clause, [FieldSpec("", FieldKind.TEXT)])
        return _Children(place, statement, self._child_converts(child, part))

    def _child_converts(self, child: CompiledChildTable, part: ChildSelection) -> tuple[tuple[int, Convert], ...]:
        found = [
            (place, self._statements.decoder(FRAMEWORK_SPECS["id"] if name == "id" else child.fields[name]))
            for place, name in enumerate(part.columns)
        ]
        return tuple((place, convert) for place, convert in found if convert)

    def _converts(self, shift: int) -> tuple[tuple[int, Convert], ...]:
        """Return the converters by column; a leading parent id stays in the driver's form for the child statements."""
        converts: list[tuple[int, Convert]] = []
        place = shift
        for part in self._shape.fields:
            convert = self._scalar_convert(part) if isinstance(part, str) else self._nested_convert(part)
            if convert:
                converts.append((place, convert))
            place += 1 if isinstance(part, str) or self._nested else 0
        return tuple(converts)

    def _scalar_convert(self, name: str) -> Convert | None:
        return self._statements.decoder(self._plan.specs[name])

    def _nested_convert(self, part: ChildSelection) -> Convert | None:
        if not self._nested:
            return None
        converts = self._child_converts(self._plan.children[part.field], part)
        return lambda rows: _converted(rows, converts)

    def _order(self, spec: OrderSpec) -> Any:
        column = self._table.c[spec.field]
        ordered = column.desc() if spec.descending else column.asc()
        return ordered.nulls_last() if self._plan.specs[spec.field].nullable else ordered

    def _compile(self, clause: Any, compiler: FilterCompiler, *, heavy: bool) -> Statement:
        return compile_statement(clause, self._store.global_driver.dialect, compiler.parameters, heavy=heavy)
