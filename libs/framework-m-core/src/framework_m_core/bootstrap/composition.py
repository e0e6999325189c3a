"""Composition of core's services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from framework_m_core.bootstrap.settings.models import FrameworkSettings
from framework_m_core.container.container import Container
from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.interfaces.permission import PermissionProtocol
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.write_pipeline import WritePipeline
from framework_m_core.services.events.delivery import EventDelivery
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.relay import OutboxRelay
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_core.services.rpc import RpcService
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.injection import Injector
from framework_m_core.services.system_documents import SystemDocuments

__all__ = ["bind_events", "bind_services"]


def bind_services(container: Container) -> None:
    """Bind the services; the ports must be bound already."""
    container.provide("commit_listeners", CommitListeners())
    container.bind("injector", _injector)
    container.bind("permissions", _permissions)
    container.bind("queries", _queries)
    container.bind("write_pipeline", _pipeline)
    container.bind("documents", _documents)
    container.bind("system_documents", _system_documents)
    container.bind("metadata", _metadata)
    container.bind("rpc", _rpc)
    container.bind("registry_changes", RegistryChanges)


def bind_events(container: Container) -> None:
    """Bind the delivery of events and the relay; the services and the bus must be bound already."""
    container.bind("event_dispatch", _event_dispatch)
    container.bind("event_delivery", _event_delivery)
    container.bind("relay", _relay)


def _injector(app_ports: Mapping[type, object], registry_handle: RegistryHandle) -> Injector:
    injector = Injector(app_ports)
    injector.equip(registry_handle.current)  # once: later registries have the same field types
    return injector


def _permissions(permission: PermissionProtocol) -> PermissionService:
    return PermissionService(permission)


def _queries(
    registry_handle: RegistryHandle,
    reader: DocumentReaderProtocol,
    permissions: PermissionService,
    framework_settings: FrameworkSettings,
) -> QueryService:
    lane = HeavyReads(reader.heavy_reads, framework_settings.heavy_wait_seconds)
    return QueryService(registry_handle, reader, permissions, lane)


def _pipeline(
    reader: DocumentReaderProtocol,
    permissions: PermissionService,
    counter: CounterProtocol,
    commit_listeners: CommitListeners,
    ids: IdGenerator,
    injector: Injector,
) -> WritePipeline:
    links, naming = LinkService(reader, permissions), NamingService(counter)
    return WritePipeline(reader, permissions, links, naming, commit_listeners, ids, injector)


def _documents(
    registry_handle: RegistryHandle,
    unit_of_work: UnitOfWorkFactoryProtocol,
    write_pipeline: WritePipeline,
    queries: QueryService,
    idempotency: IdempotencyProtocol,
    ids: IdGenerator,
) -> DocumentService:
    return DocumentService(registry_handle, unit_of_work, write_pipeline, queries, idempotency, ids)


def _system_documents(
    registry_handle: RegistryHandle, unit_of_work: UnitOfWorkFactoryProtocol, documents: DocumentService, clock: Clock
) -> SystemDocuments:
    return SystemDocuments(registry_handle, unit_of_work, documents, clock)


def _rpc(
    registry_handle: RegistryHandle,
    unit_of_work: UnitOfWorkFactoryProtocol,
    write_pipeline: WritePipeline,
    permissions: PermissionService,
    documents: DocumentService,
    injector: Injector,
) -> RpcService:
    return RpcService(registry_handle, unit_of_work, write_pipeline, permissions, documents, injector)


def _metadata(registry_handle: RegistryHandle, permissions: PermissionService) -> MetadataService:
    return MetadataService(registry_handle, permissions)


def _event_dispatch(
    registry_handle: RegistryHandle,
    documents: DocumentService,
    clock: Clock,
    injector: Injector,
    framework_settings: FrameworkSettings,
) -> EventDispatch:
    return EventDispatch(registry_handle, documents, clock, framework_settings.handler_timeout_seconds, injector)


def _event_delivery(
    registry_handle: RegistryHandle,
    event_dispatch: EventDispatch,
    outbox: OutboxProtocol,
    consumers: ConsumersProtocol,
    event_bus: EventBusProtocol,
    clock: Clock,
    framework_settings: FrameworkSettings,
) -> EventDelivery:
    return EventDelivery(
        registry_handle, event_dispatch, outbox, consumers, event_bus, clock, framework_settings.handler_concurrency
    )


def _relay(
    registry_handle: RegistryHandle,
    outbox: OutboxProtocol,
    consumers: ConsumersProtocol,
    event_bus: EventBusProtocol,
    idempotency: IdempotencyProtocol,
    clock: Clock,
    framework_settings: FrameworkSettings,
) -> OutboxRelay:
    retention = timedelta(days=framework_settings.event_retention_days)
    return OutboxRelay(registry_handle, outbox, consumers, event_bus, idempotency, clock, retention)
