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

from framework_m_core.spi import (
    CompiledDocType,
    ConfigurationError,
    Derived,
    DuplicateValueError,
    MigrationGraph,
    RegistryView,
    list_pending,
)
from framework_m_standard.sql.engine.driver import Transaction, transact
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.statement import Statement, render_clause
from framework_m_standard.sql.migrations.recorder import read_record
from framework_m_standard.sql.schema.changes import CreateTable
from framework_m_standard.sql.schema.comparison import compare
from framework_m_standard.sql.schema.existing import ExistingSchema, read_existing
from framework_m_standard.sql.schema.expansion import Expansion, plan_expansion
from framework_m_standard.sql.schema.generation import increment_generation, read_fingerprint, read_generation
from framework_m_standard.sql.schema.keys import append_only_statements
from framework_m_standard.sql.schema.sync_advice import advise_on_sync, find_gaps
from framework_m_standard.sql.schema.sync_statements import SyncStatements
from framework_m_standard.sql.store import SqlStore

__all__ = ["MARIADB_LOCK", "SCHEMA_LOCK", "SqlSchemaMapper"]

SCHEMA_LOCK: Final = 7201986
"""The PostgreSQL advisory lock held while the schema changes."""

MARIADB_LOCK: Final = "SELECT GET_LOCK(CONCAT('m_schema.', SHA1(DATABASE())), 86400)"
"""The statement that takes that lock on MariaDB, where its name is one of the whole server's."""

_TRIGGERS: Final = Statement(
    "SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ?"
)

_log = logging.getLogger(__name__)

_LOCKS: Final = {
    "postgresql": (
        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0",
        f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})",
    ),
    MARIADB: ("SET SESSION max_statement_time = 0, lock_wait_timeout = 86400", MARIADB_LOCK),
}
"""The statements that lift time-outs and take the lock. On MariaDB both end with the session, which is not reused."""


class SqlSchemaMapper:
    """Schema mapper of the tables of all DocTypes, or of the given ones only.

    With an `expansion`, processes with the current registry keep writing to the tables, so new columns keep defaults.
    """

    def __init__(
        self,
        sql_store: SqlStore,
        tables: Sequence[sa.Table] | None = None,
        registry: RegistryView | None = None,
        expansion: Expansion | None = None,
    ) -> None:
        self._store = sql_store
        self._driver = sql_store.global_driver
        self._some = tables
        self._coming = registry
        self._expansion = expansion

    @property
    def sync_schema(self) -> bool | None:
        """The setting `[sql] sync_schema`."""
        return self._store.sync_schema

    async def is_migrated(self) -> bool:
        """Return whether migrations own the schema: they have changed this database, or the app here has some."""
        return await self._driver.run_on_snapshot(self._is_migrated)

    async def plan(self) -> Sequence[str]:
        """Return the pending migrations, else the changes that `sync` would make; empty if the schema is current."""
        return await self._driver.run_on_snapshot(self._plan)

    async def expand(self, registry: RegistryView) -> Sequence[str]:
        """Sync the schema for a new registry so that the current one can still write."""
        current, tables = self._store.registry, self._store.tables_of(registry)
        found = await asyncio.to_thread(plan_expansion, current, registry, tables)
        return await SqlSchemaMapper(self._store, found.tables, registry, found).sync()

    async def read_generation(self) -> int:
        """Return the number of the registry that was published last."""
        return await read_generation(self._driver)

    async def publish(self) -> int:
        """Increment that number and return it."""
        return await increment_generation(self._driver)

    async def sync(self) -> Sequence[str]:
        """Create and widen what is missing; processes that start at the same time take turns."""
        if await self._driver.run_on_snapshot(self._is_current):
            return ()
        statements, advice = await transact(self._driver, self._apply)
        for line in advice:
            _log.warning(line)
        return statements

    async def _is_current(self, transaction: Transaction) -> bool:
        if await self._is_migrated(transaction):
            return False
        return await read_fingerprint(transaction, self._driver.name) == self._fingerprint()

    async def _is_migrated(self, transaction: Transaction) -> bool:
        return self._graph().is_begun() or (await read_record(transaction, self._driver.name)).exists

    def _graph(self) -> MigrationGraph:
        return self._store.migrations.read(self._registry)

    async def _plan(self, transaction: Transaction) -> Sequence[str]:
        if await self._is_migrated(transaction):
            record = await read_record(transaction, self._driver.name)
            if pending := list_pending(self._graph(), record):
                return pending
        if await read_fingerprint(transaction, self._driver.name) == self._fingerprint():
            return ()
        try:
            return await self.find_missing(transaction)
        except ConfigurationError as error:
            if await self._is_migrated(transaction):
                return error.errors  # a revision can make changes that sync cannot
            raise

    async def _apply(self, transaction: Transaction) -> tuple[Sequence[str], Sequence[str]]:
        """Bring the schema up to date, unless migrations own it. Return the statements, and advice for a person."""
        for sql in _LOCKS.get(self._driver.name, ()):
            await transaction.run_script(sql)
        if await self._is_migrated(transaction):
            if lacking := await self._plan(transaction):
                raise ConfigurationError(
                    "only migrations change this schema, by `m migrate create` and `m migrate run`:", lacking
                )
            return (), ()
        statements, advice = await self.apply(transaction)
        await self.keep(transaction)
        return statements, advice

    async def find_missing(self, transaction: Transaction) -> Sequence[str]:
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
        sql = SyncStatements(dialect, existing, gaps, self._expansion)
        statements = [*sql.find_kept_defaults(tables), *sql.of(changes)]
        if sql.errors:
            raise ConfigurationError("the tables cannot be adapted to the DocTypes:", sql.errors)
        audit = self._store.framework_tables.audit.name
        if audit in (change.table for change in changes if isinstance(change, CreateTable)) or (
            audit in (table.name for table in tables) and await self._lacks_triggers(transaction, audit)
        ):
            statements += append_only_statements(self._driver.name, audit)
        return statements, list(advise_on_sync(dialect, changes, existing, gaps))

    async def _lacks_triggers(self, transaction: Transaction, table: str) -> bool:
        """Return whether a change that broke off on MariaDB, where each statement commits, left out a trigger."""
        if self._driver.name != MARIADB:
            return False
        return len(await transaction.fetch(_TRIGGERS, (table,))) < len(append_only_statements(MARIADB, table))

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
        await transaction.run_script(render_clause(self._driver.dialect, row))

    async def forget(self, transaction: Transaction) -> None:
        """Delete that record, before the schema changes."""
        await transaction.run_script("DELETE FROM m_schema WHERE name = 'doctypes'")

    @property
    def _registry(self) -> RegistryView:
        return self._coming or self._store.registry

    @property
    def _tables(self) -> Sequence[sa.Table]:
        return self._store.tables_of(self._registry).list_all() if self._some is None else self._some


def _form(plan: CompiledDocType) -> str:
    """Return a digest of everything that the tables of a DocType are built from."""
    parts = [plan.name, *map(repr, plan.fields.values()), repr(plan.meta.indexes), repr(plan.meta.rls_field)]
    parts.append(repr(plan.meta.unique_together))
    parts += [repr((name, *child.fields.values())) for name, child in plan.children.items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


_FORMS: Final = Derived(_form)


async def _run(transaction: Transaction, statement: str) -> None:
    try:
        await transaction.run_script(statement)
    except DuplicateValueError as error:
        raise ConfigurationError(
            "the tables cannot be adapted to the DocTypes:",
            [f"{error.message}, so it cannot become unique: change the rows first ({statement})"],
        ) from error
