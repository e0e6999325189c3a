"""`separate_tenants`: the ports of the store family over one store per tenant, which only the context tells apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.interfaces.reader import QueryTemplate, ReadHandle, Row
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.harness import StoreHarness

__all__ = ["TenantReader", "TenantRecords", "TenantUnits", "separate_tenants"]

type _Stores = Mapping[str | None, StoreHarness]


def separate_tenants(stores: _Stores) -> StoreHarness:
    """Return a store over the stores of tenants; that of None is global, and has the schema and the outbox.

    A call without its caller's tenant reaches another store, so that a test notices it. The stores are of one kind and
    share their registries, since what one has prepared is run by all.
    """
    records = TenantRecords(stores)
    return dataclasses.replace(
        stores[None],
        reader=TenantReader(stores, stores[None].reader.heavy_reads),
        units=TenantUnits(stores, stores[None].capabilities),
        counter=records,
        idempotency=records,
        audit_log=records,
    )


@dataclass
class TenantReader:
    """Port `DocumentReaderProtocol`."""

    stores: _Stores
    heavy_reads: int

    def prepare(self, template: QueryTemplate[CompiledDocType]) -> ReadHandle:
        """Prepare a read for all tenants."""
        return self.stores[None].reader.prepare(template)

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read in the tenant's store."""
        return await self.stores[context.tenant].reader.fetch(context, handle, values)


@dataclass
class TenantUnits:
    """Port `UnitOfWorkFactoryProtocol`."""

    stores: _Stores
    capabilities: frozenset[StoreCapability]

    def __call__(self, context: RequestContext) -> UnitOfWorkProtocol:
        """Return a unit of work on the tenant's store."""
        return self.stores[context.tenant].units(context)


@dataclass(frozen=True)
class TenantRecords:
    """Ports `CounterProtocol`, `IdempotencyProtocol` and `AuditLogProtocol`."""

    stores: _Stores

    async def allocate(self, context: RequestContext, prefix: str, n: int = 1) -> int:
        """Reserve numbers of a counter of the tenant."""
        return await self.stores[context.tenant].counter.allocate(context, prefix, n)

    async def find(self, context: RequestContext, key: str) -> StoredResponse | None:
        """Return the tenant's response under a key, if any."""
        return await self.stores[context.tenant].idempotency.find(context, key)

    async def prune(self, now: datetime) -> int:
        """Delete the expired responses of all tenants."""
        return sum([await store.idempotency.prune(now) for store in self.stores.values()])

    async def list_entries(
        self, context: RequestContext, doctype: str, document_id: UUID, *, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Return the tenant's newest entries of one document."""
        return await self.stores[context.tenant].audit_log.list_entries(context, doctype, document_id, limit=limit)
