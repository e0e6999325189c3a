"""Composition of core's services."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from framework_m_core.bootstrap.settings.models import FrameworkSettings
from framework_m_core.container.container import Container
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.events.delivery import EventDelivery
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.inbox import Inbox
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.events.relay import OutboxRelay
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.registry_changes import Build, RegistryChanges
from framework_m_core.services.rpc import RpcService
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.injection import Clients, Injector
from framework_m_core.services.system_documents import SystemDocuments

__all__ = ["bind_events", "bind_services"]


def bind_services(container: Container) -> None:
    """Bind the services; the ports must be bound already."""
    container.provide("commit_listeners", CommitListeners())
    container.provide("document_clients", lambda context: container.get("documents").client_for(context))
    container.bind("injector", _injector)
    container.bind("permissions", PermissionService)
    container.bind("queries", _queries)
    container.bind("links", LinkService)
    container.bind("naming", NamingService)
    container.bind("write_pipeline", WritePipeline)
    container.bind("documents", DocumentService)
    container.bind("system_documents", SystemDocuments)
    container.bind("metadata", MetadataService)
    container.bind("rpc", RpcService)
    container.bind("build_registry", _build_registry)
    container.bind("registry_changes", RegistryChanges)


def bind_events(container: Container) -> None:
    """Bind the delivery of events and the relay; the services and the bus must be bound already."""
    container.bind("event_limits", _event_limits)
    container.bind("event_dispatch", EventDispatch)
    container.bind("consumer_registration", ConsumerRegistration)
    container.bind("event_delivery", EventDelivery)
    container.bind("relay", OutboxRelay)
    container.bind("inbox", Inbox)


def _injector(app_ports: Mapping[type, object], registry_handle: RegistryHandle, document_clients: Clients) -> Injector:
    injector = Injector(app_ports, document_clients)
    injector.inject_field_types(registry_handle.current)  # once: later registries have the same field types
    return injector


def _queries(
    registry_handle: RegistryHandle,
    reader: DocumentReaderProtocol,
    permissions: PermissionService,
    framework_settings: FrameworkSettings,
) -> QueryService:
    heavy_reads = HeavyReads(reader.heavy_reads, framework_settings.heavy_read_timeout_seconds)
    return QueryService(registry_handle, reader, permissions, heavy_reads)


def _build_registry(registry_builder: RegistryBuilder) -> Build:
    """Build from the apps' classes; an app whose store holds declarations, too, overrides it."""

    async def build(previous: Registry) -> Registry:
        return await asyncio.to_thread(registry_builder.freeze, previous)

    return build


def _event_limits(framework_settings: FrameworkSettings) -> EventLimits:
    return EventLimits(
        framework_settings.handler_timeout_seconds,
        framework_settings.handler_concurrency,
        timedelta(days=framework_settings.event_retention_days),
    )
