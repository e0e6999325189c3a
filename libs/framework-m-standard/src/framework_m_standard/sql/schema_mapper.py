"""`SqlSchemaMapper`: port `SchemaMapperProtocol`: creates and widens tables in development."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError
from framework_m_standard.sql.append_only import append_only_statements
from framework_m_standard.sql.column_default import column_default
from framework_m_standard.sql.driver import Transaction
from framework_m_standard.sql.existing_schema import ExistingColumn, ExistingSchema, read_existing
from framework_m_standard.sql.field_registry import type_text
from framework_m_standard.sql.keys import INDEX_PREFIXES
from framework_m_standard.sql.missing_values import Gaps, find_gaps
from framework_m_standard.sql.schema_advice import advice_on
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlSchemaMapper"]

_log = logging.getLogger(__name__)

_NO_TIMEOUT = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
_LOCK = "SELECT pg_advisory_xact_lock(7201986)"


class SqlSchemaMapper:
    """Compares the tables of the DocTypes with those that exist."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._store = sql_store
        self._driver = sql_store.driver
        self._postgres = sql_store.driver.name == "postgresql"

    async def plan(self) -> Sequence[str]:
        """What `sync` would do; empty when the schema is right."""
        return await self._driver.snapshot(self._planned)

    async def sync(self) -> Sequence[str]:
        """Creates and widens what is missing; several processes that start at once take turns."""
        if await self._driver.snapshot(self._is_current):
            return ()
        transaction = await self._driver.begin()
        try:
            statements, advice = await self._apply(transaction)
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()
        for line in advice:
            _log.warning(line)
        return statements

    async def _is_current(self, transaction: Transaction) -> bool:
        return (await read_existing(transaction, self._driver.name)).fingerprint == self._fingerprint()

    async def _planned(self, transaction: Transaction) -> Sequence[str]:
        existing = await read_existing(transaction, self._driver.name)
        return () if existing.fingerprint == self._fingerprint() else (await self._changes(transaction, existing))[0]

    async def _apply(self, transaction: Transaction) -> tuple[Sequence[str], Sequence[str]]:
        """What was done, and what is left to a person."""
        if self._postgres:
            await transaction.script(_NO_TIMEOUT)
            await transaction.script(_LOCK)
        existing = await read_existing(transaction, self._driver.name)
        statements, advice = await self._changes(transaction, existing)
        for statement in statements:
            await _run(transaction, statement)
        await self._keep(transaction, self._fingerprint())
        return statements, advice

    async def _changes(self, transaction: Transaction, existing: ExistingSchema) -> tuple[Sequence[str], Sequence[str]]:
        tables = self._store.tables.all()
        gaps = await find_gaps(transaction, tables, existing)
        problems: list[str] = []
        statements = list(self._differences(existing, gaps, problems))
        if problems:
            raise ConfigurationError("the tables cannot be brought in line with the DocTypes:", problems)
        return statements, list(advice_on(self._driver.dialect, tables, existing, gaps))

    def _fingerprint(self) -> str:
        """Changes with anything that the tables are made from."""
        parts = [self._driver.name, "2"]
        for plan in self._store.snapshot.doctypes.values():
            parts += [plan.name, *map(repr, plan.fields.values()), repr(plan.meta.indexes), repr(plan.meta.rls_field)]
            parts.append(repr(plan.meta.unique_together))
            parts += [repr((name, *child.fields.values())) for name, child in plan.children.items()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    async def _keep(self, transaction: Transaction, fingerprint: str) -> None:
        await transaction.script("DELETE FROM m_schema")
        row = self._store.tables.schema.insert().values(
            name=sa.literal("doctypes"), fingerprint=sa.literal(fingerprint)
        )
        await transaction.script(self._literal(row))

    def _differences(self, existing: ExistingSchema, gaps: Gaps, problems: list[str]) -> Iterator[str]:
        tables = self._store.tables.all()
        new = [table for table in tables if table.name not in existing.columns]
        for table in new:
            yield self._text(CreateTable(table, include_foreign_key_constraints=[] if self._postgres else None))
        for table in tables:
            if table not in new:
                yield from self._columns(table, existing.columns[table.name], gaps, problems)
        for table in new if self._postgres else ():
            for constraint in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
                yield self._text(AddConstraint(constraint))
        yield from self._indexes(tables, existing)
        if self._store.tables.audit in new:
            yield from append_only_statements(self._driver.name, self._store.tables.audit.name)

    def _indexes(self, tables: Sequence[sa.Table], existing: ExistingSchema) -> Iterator[str]:
        """Indexes that are missing, and before them the removal of those that no DocType wants any longer."""
        wanted = {str(index.name): index for table in tables for index in table.indexes}
        ours = {table.name for table in tables}
        for name, table_name in sorted(existing.indexes.items()):
            if name not in wanted and table_name in ours and name.startswith(INDEX_PREFIXES):
                yield f'DROP INDEX "{name}"'
        for name, index in sorted(wanted.items()):
            if name not in existing.indexes:
                yield self._text(CreateIndex(index))

    def _columns(
        self, table: sa.Table, existing: Mapping[str, ExistingColumn], gaps: Gaps, problems: list[str]
    ) -> Iterator[str]:
        for column in table.columns:
            if column.name not in existing:
                yield from self._add_column(table, column)
                continue
            found, wanted = existing[column.name], type_text(self._driver.dialect, column)
            if found.type != wanted:
                problems.append(
                    f"{table.name}.{column.name} is {found.type}, the DocType wants {wanted}: rename the field, or "
                    "change the column by hand"
                )
                continue
            is_gap = (table.name, column.name) in gaps
            if is_gap and (default := self._default(column)) is not None:
                yield self._fill(table, column, default)
                is_gap = False
            yield from self._nullability(table, column, found.required, is_gap=is_gap)
        for name, left in existing.items():
            if name not in table.columns and left.required and self._postgres:
                yield f'ALTER TABLE {self._quoted(table)} ALTER COLUMN "{name}" DROP NOT NULL'

    def _nullability(self, table: sa.Table, column: sa.Column[Any], required: bool, *, is_gap: bool) -> Iterator[str]:
        """Whether null is refused as the DocType wants it, as far as the stored rows allow it."""
        if not self._postgres or column.nullable is not required or (required is False and is_gap):
            return
        verb = "DROP" if required else "SET"
        yield f'ALTER TABLE {self._quoted(table)} ALTER COLUMN "{column.name}" {verb} NOT NULL'

    def _add_column(self, table: sa.Table, column: sa.Column[Any]) -> Iterator[str]:
        """A new column. The rows that exist get the field's default; without one they stay empty until saved."""
        name, default = self._quoted(table), self._default(column)
        definition = self._text(CreateColumn(sa.Column(column.name, column.type, nullable=True)))
        if default is None:
            yield f"ALTER TABLE {name} ADD COLUMN {definition}"
        elif self._postgres:
            null = "" if column.nullable else " NOT NULL"
            yield f"ALTER TABLE {name} ADD COLUMN {definition} DEFAULT {default}{null}"
            yield f'ALTER TABLE {name} ALTER COLUMN "{column.name}" DROP DEFAULT'
        else:
            yield f"ALTER TABLE {name} ADD COLUMN {definition}"
            yield self._fill(table, column, default)
        for constraint in table.foreign_key_constraints if self._postgres else ():
            if next(iter(constraint.columns)).name == column.name:
                yield self._text(AddConstraint(constraint))

    def _fill(self, table: sa.Table, column: sa.Column[Any], default: str) -> str:
        filled = sa.update(table).values({column.name: sa.literal_column(default)}).where(column.is_(None))
        return self._literal(filled)

    def _default(self, column: sa.Column[Any]) -> str | None:
        """The default of a field as SQL; None where there is none, or it is null."""
        value = column_default(column)
        if value is None:
            return None
        return self._literal(sa.literal(value, sa.Text() if isinstance(value, str) else column.type))

    def _text(self, clause: Any) -> str:
        return str(clause.compile(dialect=self._driver.dialect)).strip()

    def _literal(self, clause: Any) -> str:
        return str(clause.compile(dialect=self._driver.dialect, compile_kwargs={"literal_binds": True}))

    def _quoted(self, table: sa.Table) -> str:
        return self._driver.dialect.identifier_preparer.format_table(table)


async def _run(transaction: Transaction, statement: str) -> None:
    try:
        await transaction.script(statement)
    except DuplicateValueError as error:
        raise ConfigurationError(
            "the tables cannot be brought in line with the DocTypes:",
            [f"{error.message}, so it cannot become unique: make the rows differ first ({statement})"],
        ) from error
