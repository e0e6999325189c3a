"""`StoreHarness`: an opened store of the family, as the contracts use it, and how an adapter's test opens one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Uuid7Generator, system_clock
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.events import DocUpdated, DomainEvent
from framework_m_core.interfaces.audit_log import AuditEntry, AuditLogProtocol
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_testing.sample_doctypes import Shelf, Slot, Thing, handle_update

__all__ = ["OpenStore", "StoreHarness", "sample_registry"]

_IDS = Uuid7Generator()


def sample_registry() -> Registry:
    """The sample DocTypes, compiled."""
    builder = RegistryBuilder()
    for doctype in (Shelf, Slot, Thing):
        builder.add_doctype(doctype, "samples")
    builder.add_handler(handle_update)
    return builder.freeze()


@dataclass(frozen=True)
class StoreHarness:
    """The adapters of one store over registries.

    `tamperings` try, by means of the store's own, to change and to remove what the audit log holds: each must fail.
    """

    registries: RegistryHandle
    reader: DocumentReaderProtocol
    units: UnitOfWorkFactoryProtocol
    schema_mapper: SchemaMapperProtocol
    outbox: OutboxProtocol
    counter: CounterProtocol
    idempotency: IdempotencyProtocol
    audit_log: AuditLogProtocol
    tamperings: tuple[Callable[[], Awaitable[object]], ...]

    @property
    def registry(self) -> Registry:
        """The current registry."""
        return self.registries.current

    @property
    def context(self) -> RequestContext:
        """A caller."""
        return RequestContext(Principal("tester"))

    def new(self, doctype: str, **values: Any) -> Any:
        """A document made here, with id and stamps; child rows are given as dictionaries."""
        now = system_clock()
        plan, id = self.registry.get(doctype), values.pop("id", None) or _IDS()
        rows = {name: [{"id": _IDS(), **row} for row in values.pop(name)] for name in plan.children if name in values}
        stamps = {"id": id, "name": str(id), "owner": "tester", "creation": now, "modified": now}
        return plan.model(**{**stamps, "modified_by": "tester", **values, **rows})

    async def store(self, doctype: str, **values: Any) -> Any:
        """A document, stored by a unit of its own."""
        document = self.new(doctype, **values)
        async with self.units(self.context) as unit:
            await unit.repository(doctype).insert(document)
            await unit.commit()
        return document

    async def load(self, doctype: str, id: UUID, *, include_deleted: bool = False) -> Any:
        """A document read by a unit of its own, or None."""
        async with self.units(self.context) as unit:
            return await unit.repository(doctype).get(id, include_deleted=include_deleted)

    def event(self, document: Any, version: int, data: Mapping[str, Any] | None = None) -> DomainEvent:
        """An event of a thing that somebody handles."""
        return DocUpdated(
            id=_IDS(), doctype="Thing", document_id=document.id, version=version, occurred_at=system_clock(),
            actor="tester", data=data or {"n": version},
        )  # fmt: skip

    def entry(self, document: Any, version: int, at: datetime | None = None) -> AuditEntry:
        """An audit entry of a thing."""
        return AuditEntry(
            id=_IDS(), at=at or system_clock(), actor="tester", action="write", doctype="Thing",
            document_id=document.id, version=version, request_id=_IDS(), source="http", changes={"text": ["a", "b"]},
        )  # fmt: skip


type OpenStore = Callable[[Registry], AbstractAsyncContextManager[StoreHarness]]
"""Opens a store for given DocTypes and closes it. Every opening of one test meets the same database, which is empty at
first; its schema is left as it is. Two openings at once are two processes."""
