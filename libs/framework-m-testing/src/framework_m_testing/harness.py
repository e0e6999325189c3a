"""`StoreHarness`: an open store with its adapters for the contracts, and `OpenStore`, by which a test opens one."""

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
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_testing.samples.doctypes import Shelf, Slot, Thing, handle_update
from framework_m_testing.samples.field_types import SAMPLE_EXTENSIONS

__all__ = ["OpenStore", "StoreHarness", "build_sample_registry", "keep_registry"]

_IDS = Uuid7Generator()


async def keep_registry(previous: Registry) -> Registry:
    """Return the registry: the `build_registry` of a process that adds nothing to what its classes declare."""
    return previous


def build_sample_registry() -> Registry:
    """Return a registry of the sample DocTypes."""
    builder = RegistryBuilder(SAMPLE_EXTENSIONS)
    for doctype in (Shelf, Slot, Thing):
        builder.add_doctype(doctype, "samples")
    builder.add_handler(handle_update, "samples")
    return builder.freeze()


@dataclass(frozen=True)
class StoreHarness:
    """The adapters of one store.

    `tamperings` attempt to change and to remove audit log entries by the store's own means: each must fail. A store
    that does not claim `APPEND_ONLY_AUDIT` may have none.
    """

    registry_handle: RegistryHandle
    reader: DocumentReaderProtocol
    units: UnitOfWorkFactoryProtocol
    schema_mapper: SchemaMapperProtocol
    outbox: OutboxProtocol
    consumers: ConsumersProtocol
    counter: CounterProtocol
    idempotency: IdempotencyProtocol
    audit_log: AuditLogProtocol
    tamperings: tuple[Callable[[], Awaitable[object]], ...]

    @property
    def registry(self) -> Registry:
        """The current registry."""
        return self.registry_handle.current

    @property
    def capabilities(self) -> frozenset[StoreCapability]:
        """What the store claims to be able to do."""
        return self.units.capabilities

    @property
    def context(self) -> RequestContext:
        """A request context of the caller `tester`."""
        return RequestContext(Principal("tester"))

    def new(self, doctype: str, **values: Any) -> Any:
        """Return an unsaved document with id and stamps; child rows are given as dictionaries."""
        now = system_clock()
        plan, id = self.registry.get(doctype), values.pop("id", None) or _IDS()
        rows = {name: [{"id": _IDS(), **row} for row in values.pop(name)] for name in plan.children if name in values}
        stamps = {"id": id, "name": str(id), "owner": "tester", "creation": now, "modified": now}
        return plan.model(**{**stamps, "modified_by": "tester", **values, **rows})

    async def store(self, doctype: str, **values: Any) -> Any:
        """Store a new document in its own unit of work and return it."""
        document = self.new(doctype, **values)
        async with self.units(self.context) as unit:
            await unit.repository(doctype).insert(document)
            await unit.commit()
        return document

    async def load(self, doctype: str, id: UUID, *, include_deleted: bool = False) -> Any:
        """Load a document in its own unit of work, or return None."""
        async with self.units(self.context) as unit:
            return await unit.repository(doctype).get(id, include_deleted=include_deleted)

    def make_event(self, document: Any, version: int, data: Mapping[str, Any] | None = None) -> DomainEvent:
        """Return an event of a Thing."""
        return DocUpdated(
            id=_IDS(), doctype="Thing", document_id=document.id, version=version, occurred_at=system_clock(),
            actor="tester", data=data or {"n": version},
        )  # fmt: skip

    def make_entry(self, document: Any, version: int, at: datetime | None = None) -> AuditEntry:
        """Return an audit entry of a Thing."""
        return AuditEntry(
            id=_IDS(), at=at or system_clock(), actor="tester", action="write", doctype="Thing",
            document_id=document.id, version=version, request_id=_IDS(), source="http", changes={"text": ["a", "b"]},
        )  # fmt: skip


type OpenStore = Callable[[Registry], AbstractAsyncContextManager[StoreHarness]]
"""Opens a store for a registry, and closes it. All stores of one test share one database, initially empty, whose schema
is left unchanged. Two stores open at the same time act as two processes."""
