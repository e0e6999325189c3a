"""The services over each store, wired by hand as the composition does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Uuid7Generator
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.events import StoredEvent
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.permission import PermissionProtocol
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.injection import Injector
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_testing.fakes.permission import FakePermission
from framework_m_testing.harness import StoreHarness

from ..memory.wiring import memory_dump, memory_harness
from ..sql.wiring import sql_dump, sql_harness, sql_store
from .mongo_wiring import mongo_driver, mongo_dump, mongo_harness

CONTEXT = RequestContext(Principal("tester"))
MEMORY: dict[str, MemoryDatabase] = {}
"""The databases in memory of the running test, by address, so that each opening of one meets the same."""

type Dump = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Store:
    """An opened store: what it is called, its adapters, and every row that a write may touch."""

    name: str
    adapters: StoreHarness
    dump: Callable[[], Awaitable[Dump]]


@dataclass(frozen=True)
class Wired:
    """A store with the services over it."""

    store: Store
    documents: DocumentService
    queries: QueryService

    @property
    def adapters(self) -> StoreHarness:
        """The adapters of the store."""
        return self.store.adapters

    async def dump(self) -> Dump:
        """Every row of every table that a write may touch."""
        return await self.store.dump()

    async def create(self, doctype: str, **values: Any) -> dict[str, Any]:
        """A document made through the service."""
        return await self.documents.create(CONTEXT, doctype, values)

    async def stored(self, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """A document as it is read back."""
        return await self.documents.get(CONTEXT, doctype, ref)

    async def audits(self, doctype: str, id: UUID) -> list[AuditEntry]:
        """The audit entries of a document."""
        return list(await self.adapters.audit_log.list_entries(CONTEXT, doctype, id))

    async def events(self, id: UUID) -> list[StoredEvent]:
        """The stored events of a document."""
        batch = await self.adapters.outbox.read(0, 10_000, lambda _: True)
        return [event for event in batch.events if event.document_id == id]

    async def count(self, doctype: str) -> int:
        """How many live documents there are."""
        async with self.adapters.units(CONTEXT) as unit:
            return int(await unit.repository(doctype).count())

    async def assert_usable(self, doctype: str = "Note") -> None:
        """No connection was lost and no lock kept: as many writers as the pool takes get through."""
        async with asyncio.timeout(5):
            await asyncio.gather(*(self.create(doctype) for _ in range(6)))


@asynccontextmanager
async def opened_store(url: str, registry: Registry, settings: Mapping[str, Any]) -> AsyncIterator[Store]:
    """Opens the store at an address."""
    if url.startswith("memory:"):
        database = MEMORY.setdefault(url, MemoryDatabase(settings.get("lock_timeout_seconds", 10)))
        yield Store("memory", memory_harness(database, registry), lambda: memory_dump(database, registry))
        return
    if url.startswith("mongodb:"):
        async with mongo_driver(url) as driver:
            yield Store("mongo", mongo_harness(driver, registry), lambda: mongo_dump(driver, registry))
        return
    async with sql_store(url, registry, **settings) as sql:
        yield Store(sql.global_driver.name, sql_harness(sql), lambda: sql_dump(sql))


@asynccontextmanager
async def wired(
    url: str, registry: Registry, permission: PermissionProtocol | None = None, **settings: Any
) -> AsyncIterator[Wired]:
    """Opens the services over the database of an address."""
    async with opened_store(url, registry, settings) as opened:
        await opened.adapters.schema_mapper.sync()
        yield services_over(opened, permission or FakePermission(opened.adapters.registry_handle))


def services_over(opened: Store, permission: PermissionProtocol) -> Wired:
    """The services over an opened store."""
    store = opened.adapters
    permissions = PermissionService(permission)
    queries = QueryService(store.registry_handle, store.reader, permissions, HeavyReads(store.reader.heavy_reads, 2))
    ids = Uuid7Generator()
    links, naming = LinkService(store.reader, permissions), NamingService(store.counter)
    pipeline = WritePipeline(store.reader, permissions, links, naming, CommitListeners(), ids, Injector({}))
    documents = DocumentService(store.registry_handle, store.units, pipeline, queries, store.idempotency, ids)
    return Wired(opened, documents, queries)
