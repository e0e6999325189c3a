"""The SQL store as a harness, and the services over it, wired by hand as the composition does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Uuid7Generator, system_clock
from framework_m_core.domain.scope import Principal, RequestScope
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.outbox import OutboxRow
from framework_m_core.interfaces.permission import PermissionProtocol
from framework_m_core.registry.snapshot import Snapshot
from framework_m_core.services.commit_watchers import CommitWatchers
from framework_m_core.services.documents import DocumentService
from framework_m_core.services.links import LinkService
from framework_m_core.services.naming import NamingService
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries import QueryService
from framework_m_core.services.write_pipeline import WritePipeline
from framework_m_standard.sql.audit_log import SqlAuditLog
from framework_m_standard.sql.compiled import Statement
from framework_m_standard.sql.counter import SqlCounter
from framework_m_standard.sql.idempotency import SqlIdempotency
from framework_m_standard.sql.outbox import SqlOutbox
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore, make_driver
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory
from framework_m_testing.fakes.permission import FakePermission
from framework_m_testing.harness import StoreHarness

SCOPE = RequestScope(Principal("tester"))
_NOT_DOCUMENTS = {"m_counter", "m_lease", "m_schema"}
POOL = 8


@asynccontextmanager
async def sql_store(url: str, snapshot: Snapshot, **settings: Any) -> AsyncIterator[SqlStore]:
    """A store over the database of an address; its schema is left as it is."""
    driver = make_driver(SqlSettings(url=url, **{"pool_size": POOL, **settings}), Path("unused"))
    await driver.open()
    try:
        yield SqlStore(driver, snapshot)
    finally:
        await driver.close()


def sql_harness(store: SqlStore) -> StoreHarness:
    """The adapters of the store family over a store."""
    audit = store.tables.audit.name
    return StoreHarness(
        snapshot=store.snapshot,
        reader=SqlReader(store),
        units=SqlUnitOfWorkFactory(store),
        schema_mapper=SqlSchemaMapper(store),
        outbox=SqlOutbox(store),
        counter=SqlCounter(store),
        idempotency=SqlIdempotency(store),
        audit_log=SqlAuditLog(store),
        tamperings=(
            lambda: _execute(store, f"UPDATE {audit} SET actor = 'somebody else'"),
            lambda: _execute(store, f"DELETE FROM {audit}"),
        ),
    )


async def _execute(store: SqlStore, sql: str) -> None:
    await store.driver.write(Statement(sql, (), (), straight=True), ())


@dataclass(frozen=True)
class Wired:
    """A store with the services over it."""

    sql: SqlStore
    adapters: StoreHarness
    documents: DocumentService
    queries: QueryService

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that a write may touch."""
        tables = [table.name for table in self.sql.tables.all() if table.name not in _NOT_DOCUMENTS]
        statements = {name: Statement(f'SELECT * FROM "{name}"', (), (), straight=True) for name in tables}
        found = {name: await self.sql.driver.fetch(statement, ()) for name, statement in statements.items()}
        return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}

    async def create(self, doctype: str, **values: Any) -> dict[str, Any]:
        """A document made through the service."""
        return await self.documents.create(SCOPE, doctype, values)

    async def stored(self, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """A document as it is read back."""
        return await self.documents.get(SCOPE, doctype, ref)

    async def audits(self, doctype: str, id: UUID) -> list[AuditEntry]:
        """The audit entries of a document."""
        return list(await self.adapters.audit_log.entries(doctype, id))

    async def events(self, id: UUID) -> list[OutboxRow]:
        """The waiting events of a document."""
        rows = await self.adapters.outbox.pending(system_clock(), 10_000)
        return [row for row in rows if row.event.document_id == id]

    async def count(self, doctype: str) -> int:
        """How many live documents there are."""
        async with self.adapters.units(SCOPE) as unit:
            return int(await unit.repository(doctype).count())

    async def assert_usable(self, doctype: str = "Note") -> None:
        """No connection was lost and no lock kept: as many writers as the pool takes get through."""
        async with asyncio.timeout(5):
            await asyncio.gather(*(self.create(doctype) for _ in range(6)))


@asynccontextmanager
async def wired(
    url: str, snapshot: Snapshot, permission: PermissionProtocol | None = None, **settings: Any
) -> AsyncIterator[Wired]:
    """Opens the services over the database of an address."""
    async with sql_store(url, snapshot, **settings) as sql:
        store = sql_harness(sql)
        await store.schema_mapper.sync()
        permissions = PermissionService(permission or FakePermission(snapshot))
        queries = QueryService(snapshot, store.reader, permissions)
        ids = Uuid7Generator()
        pipeline = WritePipeline(
            store.reader, permissions, LinkService(snapshot, store.reader, permissions), CommitWatchers(), ids
        )
        naming = NamingService(store.counter)
        documents = DocumentService(snapshot, store.units, pipeline, queries, naming, store.idempotency, ids)
        yield Wired(sql, store, documents, queries)
