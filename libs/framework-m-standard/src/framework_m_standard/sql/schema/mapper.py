"""`SqlSchemaMapper`: port `SchemaMapperProtocol`: creates and widens tables in development.

If migrations own the schema, it only compares, except for the framework's own tables, which `m migrate run` updates
through it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.migrations.files.graph import MigrationFiles, pending_lines, read_files
from framework_m_standard.sql.migrations.recorder import read_ledger
from framework_m_standard.sql.schema.advice import advice_on
from framework_m_standard.sql.schema.changes import CreateTable
from framework_m_standard.sql.schema.comparison import compare
from framework_m_standard.sql.schema.existing import ExistingSchema, read_existing
from framework_m_standard.sql.schema.expansion import Expansion, expansion
from framework_m_standard.sql.schema.generation import raise_generation, read_fingerprint, read_generation
from framework_m_standard.sql.schema.keys import append_only_statements
from framework_m_standard.sql.schema.missing_values import find_gaps
from framework_m_standard.sql.schema.statements import SyncStatements
from framework_m_standard.sql.statements.compiled import literal_text
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
        return await read_fingerprint(transaction, self._driver.name) == self._fingerprint()

    async def _is_migrated(self, transaction: Transaction) -> bool:
        files = self._files()
        return bool(files and files.revisions) or (await read_ledger(transaction, self._driver.name)).exists

    def _files(self) -> MigrationFiles | None:
        return read_files(self._store.migrations) if self._store.migrations else None

    async def _planned(self, transaction: Transaction) -> Sequence[str]:
        files = self._files()
        if files and (pending := pending_lines(files, await read_ledger(transaction, self._driver.name))):
            return pending
        if await read_fingerprint(transaction, self._driver.name) == self._fingerprint():
            return ()
        try:
            return await self.missing(transaction)
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
        return (await self._changes(transaction, await self._existing(transaction)))[0]

    async def apply(self, transaction: Transaction) -> tuple[Sequence[str], Sequence[str]]:
        """Update the tables within a transaction. Return the statements, and advice for a person."""
        existing = await self._existing(transaction)
        await asyncio.sleep(0)  # a swap of registries lets requests go on between its parts
        statements, advice = await self._changes(transaction, existing)
        await asyncio.sleep(0)
        for statement in statements:
            await _run(transaction, statement)
        return statements, advice

    async def _existing(self, transaction: Transaction) -> ExistingSchema:
        return await read_existing(transaction, self._driver.dialect.name)

    async def _changes(self, transaction: Transaction, existing: ExistingSchema) -> tuple[Sequence[str], Sequence[str]]:
        """Return the statements that make the changes that lose nothing, and advice on the others."""
        dialect, tables = self._driver.dialect, self._tables
        changes = compare(dialect, tables, existing)
        gaps = await find_gaps(transaction, changes)
        sql = SyncStatements(dialect, gaps, self._expansion)
        statements = [*sql.kept_defaults(tables, existing), *sql.of(changes)]
        if sql.problems:
            raise ConfigurationError("the tables cannot be adapted to the DocTypes:", sql.problems)
        audit = self._store.framework_tables.audit.name
        if audit in (change.table for change in changes if isinstance(change, CreateTable)):
            statements += append_only_statements(self._driver.name, audit)
        return statements, list(advice_on(dialect, changes, existing, gaps))

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
        await transaction.script(literal_text(self._driver.dialect, row))

    async def forget(self, transaction: Transaction) -> None:
        """Delete that record, before the schema changes."""
        await transaction.script("DELETE FROM m_schema WHERE name = 'doctypes'")

    @property
    def _registry(self) -> Registry:
        return self._coming or self._store.registry

    @property
    def _tables(self) -> Sequence[sa.Table]:
        return self._store.tables(self._registry).all() if self._some is None else self._some


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
