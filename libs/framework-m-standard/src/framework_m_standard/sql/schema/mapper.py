"""`SqlSchemaMapper`: port `SchemaMapperProtocol`: creates and widens tables in development.

If migrations own the schema, it only compares, except for the framework's own tables, which `m migrate run` updates
through it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.migrations.files.graph import MigrationFiles, pending_lines, read_files
from framework_m_standard.sql.migrations.recorder import read_ledger
from framework_m_standard.sql.schema.advice import advice_on
from framework_m_standard.sql.schema.column_defaults import column_default, needs_value
from framework_m_standard.sql.schema.existing import ExistingColumn, ExistingSchema, read_existing
from framework_m_standard.sql.schema.expansion import Expansion, expansion
from framework_m_standard.sql.schema.field_registry import is_type_of, type_text
from framework_m_standard.sql.schema.generation import raise_generation, read_generation
from framework_m_standard.sql.schema.keys import INDEX_PREFIXES, append_only_statements
from framework_m_standard.sql.schema.missing_values import Gaps, find_gaps
from framework_m_standard.sql.statements.compiled import literal_text, sql_literal
from framework_m_standard.sql.store import SqlStore

__all__ = ["SCHEMA_LOCK", "SqlSchemaMapper"]

SCHEMA_LOCK: Final = 7201986
"""The PostgreSQL advisory lock held while the schema changes."""

_log = logging.getLogger(__name__)

_NO_TIMEOUT = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
_LOCK = f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"


class SqlSchemaMapper:
    """Schema mapper of the tables of all DocTypes, or of the given ones only.

    With an `expansion`, processes with the current registry keep writing to the tables, so new columns keep defaults.
    """

    def __init__(
        self,
        sql_store: SqlStore,
        tables: Sequence[sa.Table] | None = None,
        registry: Registry | None = None,
        expansion: Expansion | None = None,
    ) -> None:
        self._store = sql_store
        self._driver = sql_store.global_driver
        self._postgres = sql_store.global_driver.name == "postgresql"
        self._some = tables
        self._coming = registry
        self._expansion = expansion

    async def is_migrated(self) -> bool:
        """Return whether migrations own the schema: they have changed this database, or the app has revisions."""
        return await self._driver.snapshot(self._is_migrated)

    async def plan(self) -> Sequence[str]:
        """Return the pending migrations, else the changes that `sync` would make; empty if the schema is current."""
        return await self._driver.snapshot(self._planned)

    async def expand(self, registry: Registry) -> Sequence[str]:
        """Sync the schema for a new registry so that the current one can still write."""
        current, tables = self._store.registry, self._store.tables(registry)
        found = await asyncio.to_thread(expansion, current, registry, tables)
        return await SqlSchemaMapper(self._store, found.tables, registry, found).sync()

    async def generation(self) -> int:
        """Return the number of the registry that was published last."""
        return await read_generation(self._driver)

    async def publish(self) -> int:
        """Increment that number and return it."""
        return await raise_generation(self._driver)

    async def sync(self) -> Sequence[str]:
        """Create and widen what is missing; processes that start at the same time take turns."""
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
        if await self._is_migrated(transaction):
            return False
        return (await read_existing(transaction, self._driver.name)).fingerprint == self._fingerprint()

    async def _is_migrated(self, transaction: Transaction) -> bool:
        files = self._files()
        return bool(files and files.revisions) or (await read_ledger(transaction, self._driver.name)).exists

    def _files(self) -> MigrationFiles | None:
        return read_files(self._store.migrations) if self._store.migrations else None

    async def _planned(self, transaction: Transaction) -> Sequence[str]:
        files = self._files()
        if files and (pending := pending_lines(files, await read_ledger(transaction, self._driver.name))):
            return pending
        existing = await read_existing(transaction, self._driver.name)
        if existing.fingerprint == self._fingerprint():
            return ()
        try:
            return (await self._changes(transaction, existing))[0]
        except ConfigurationError as error:
            if await self._is_migrated(transaction):
                return error.problems  # a revision can make changes that sync cannot
            raise

    async def _apply(self, transaction: Transaction) -> tuple[Sequence[str], Sequence[str]]:
        """Bring the schema up to date, unless migrations own it. Return the statements, and advice for a person."""
        if self._postgres:
            await transaction.script(_NO_TIMEOUT)
            await transaction.script(_LOCK)
        if await self._is_migrated(transaction):
            if lacking := await self._planned(transaction):
                raise ConfigurationError(
                    "only migrations change this schema, by `m migrate create` and `m migrate run`:", lacking
                )
            return (), ()
        statements, advice = await self.apply(transaction)
        await self.keep(transaction)
        return statements, advice

    async def missing(self, transaction: Transaction) -> Sequence[str]:
        """Return the changes that `apply` would make."""
        return (await self._changes(transaction, await read_existing(transaction, self._driver.name)))[0]

    async def apply(self, transaction: Transaction) -> tuple[Sequence[str], Sequence[str]]:
        """Update the tables within a transaction. Return the statements, and advice for a person."""
        existing = await read_existing(transaction, self._driver.name)
        statements, advice = await self._changes(transaction, existing)
        for statement in statements:
            await _run(transaction, statement)
        return statements, advice

    async def _changes(self, transaction: Transaction, existing: ExistingSchema) -> tuple[Sequence[str], Sequence[str]]:
        tables = self._tables
        gaps = await find_gaps(transaction, tables, existing)
        problems: list[str] = []
        statements = list(self._differences(existing, gaps, problems))
        if problems:
            raise ConfigurationError("the tables cannot be adapted to the DocTypes:", problems)
        return statements, list(advice_on(self._driver.dialect, tables, existing, gaps))

    def _fingerprint(self) -> str:
        """Return a digest that changes with anything that the tables are built from."""
        parts = [self._driver.name, "4", *map(_FORMS.of, self._registry.doctypes.values())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    async def keep(self, transaction: Transaction) -> None:
        """Record that the schema is current for these DocTypes, so that the next start can skip the comparison."""
        await self.forget(transaction)
        row = self._store.framework_tables.schema.insert().values(
            name=sa.literal("doctypes"), fingerprint=sa.literal(self._fingerprint())
        )
        await transaction.script(self._literal(row))

    async def forget(self, transaction: Transaction) -> None:
        """Delete that record, before the schema changes."""
        await transaction.script("DELETE FROM m_schema WHERE name = 'doctypes'")

    @property
    def _registry(self) -> Registry:
        return self._coming or self._store.registry

    @property
    def _tables(self) -> Sequence[sa.Table]:
        return self._store.tables(self._registry).all() if self._some is None else self._some

    def _differences(self, existing: ExistingSchema, gaps: Gaps, problems: list[str]) -> Iterator[str]:
        tables = self._tables
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
        audit = self._store.framework_tables.audit.name
        if audit in {table.name for table in new}:
            yield from append_only_statements(self._driver.name, audit)

    def _indexes(self, tables: Sequence[sa.Table], existing: ExistingSchema) -> Iterator[str]:
        """Yield the removal of indexes that no DocType declares anymore, then the missing indexes."""
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
        id = existing["id"].type if "id" in existing else None
        for column in table.columns:
            if column.name not in existing:
                yield from self._add_column(table, column)
                continue
            found, wanted = existing[column.name], type_text(self._driver.dialect, column)
            if not is_type_of(found.type, wanted, id=id):
                problems.append(
                    f"{table.name}.{column.name}: expected {wanted}, got {found.type}: rename the field, or change the "
                    "column by hand"
                )
                continue
            if self._refuses_null_in_vain(column, found):
                problems.append(f"{table.name}.{column.name} is NOT NULL, but the field may be empty: m migrate create")
            if self._is_unknown_to_others(table, column):
                yield from self._keep_default(table, column)
            is_gap = (table.name, column.name) in gaps
            if is_gap and (default := self._default(column)) is not None:
                yield self._fill(table, column, default)
                is_gap = False
            yield from self._nullability(table, column, found.required, is_gap=is_gap)
        for name, left in existing.items():
            if name in table.columns or not left.required:
                continue
            if self._postgres:
                yield f'ALTER TABLE {self._quoted(table)} ALTER COLUMN "{name}" DROP NOT NULL'
            else:
                problems.append(f"{table.name}.{name} is NOT NULL, but no field fills it any more: m migrate create")

    def _is_unknown_to_others(self, table: sa.Table, column: sa.Column[Any]) -> bool:
        """Return whether processes with the current registry write rows of this table without the column."""
        return self._expansion is not None and self._expansion.is_new(table, column)

    def _keep_default(self, table: sa.Table, column: sa.Column[Any]) -> Iterator[str]:
        """Yield the default for such rows; SQLite cannot add one to an existing column and leaves it empty."""
        if self._postgres and (default := self._default(column)) is not None:
            yield f'ALTER TABLE {self._quoted(table)} ALTER COLUMN "{column.name}" SET DEFAULT {default}'

    def _refuses_null_in_vain(self, column: sa.Column[Any], found: ExistingColumn) -> bool:
        """Return whether a SQLite column refuses null though its field may be empty; only a revision can fix that."""
        return not self._postgres and found.required and bool(column.nullable) and not needs_value(column)

    def _nullability(self, table: sa.Table, column: sa.Column[Any], required: bool, *, is_gap: bool) -> Iterator[str]:
        """Yield the change of a column's nullability to what the DocType requires, if the stored rows allow it."""
        if not self._postgres or column.nullable is not required or (required is False and is_gap):
            return
        if required is False and self._is_unknown_to_others(table, column) and self._default(column) is None:
            return
        verb = "DROP" if required else "SET"
        yield f'ALTER TABLE {self._quoted(table)} ALTER COLUMN "{column.name}" {verb} NOT NULL'

    def _add_column(self, table: sa.Table, column: sa.Column[Any]) -> Iterator[str]:
        """Yield a new column. Existing rows get the field's default; without one they stay empty until saved."""
        name, default = self._quoted(table), self._default(column)
        definition = self._text(CreateColumn(sa.Column(column.name, column.type, nullable=True)))
        if default is None:
            yield f"ALTER TABLE {name} ADD COLUMN {definition}"
        elif self._expansion:
            yield f"ALTER TABLE {name} ADD COLUMN {definition} DEFAULT {default}"
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
        """Return the default of a field as SQL; None if there is none, or it is null."""
        value = column_default(column)
        if value is None:
            return None
        return sql_literal(self._driver.dialect, column.type, value)

    def _text(self, clause: Any) -> str:
        return str(clause.compile(dialect=self._driver.dialect)).strip()

    def _literal(self, clause: Any) -> str:
        return literal_text(self._driver.dialect, clause)

    def _quoted(self, table: sa.Table) -> str:
        return self._driver.dialect.identifier_preparer.format_table(table)


def _form(plan: CompiledDocType) -> str:
    """Return a digest of everything that the tables of a DocType are built from."""
    parts = [plan.name, *map(repr, plan.fields.values()), repr(plan.meta.indexes), repr(plan.meta.rls_field)]
    parts.append(repr(plan.meta.unique_together))
    parts += [repr((name, *child.fields.values())) for name, child in plan.children.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


_FORMS: Final = Derived(_form)


async def _run(transaction: Transaction, statement: str) -> None:
    try:
        await transaction.script(statement)
    except DuplicateValueError as error:
        raise ConfigurationError(
            "the tables cannot be adapted to the DocTypes:",
            [f"{error.message}, so it cannot become unique: change the rows first ({statement})"],
        ) from error
