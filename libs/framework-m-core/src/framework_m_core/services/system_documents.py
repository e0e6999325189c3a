"""`SystemDocuments`: the framework's own writes, as the system, through the same stages as everybody's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RequestContext, system_context
from framework_m_core.domain.errors import TransientError
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.runtime.retry import retry

__all__ = ["SystemClient", "SystemDocuments"]


class SystemClient(DocumentClient):
    """A document client of the framework's own code, which may also change fields that no body sets."""

    def __init__(self, service: DocumentService, context: RequestContext) -> None:
        super().__init__(service, context)
        self._documents = service

    async def change(self, doctype: str, ref: UUID | str, change: Callable[[Any], None]) -> dict[str, Any]:
        """Store what a function makes of a document, and return the document."""
        async with self._writing():
            return await self._documents.change(self.context, doctype, ref, change)


class SystemDocuments:
    """Writes for an audited reason, with permissions, hooks, stages, audit and events as any other caller's."""

    def __init__(
        self,
        registries: RegistryHandle,
        units: UnitOfWorkFactoryProtocol,
        documents: DocumentService,
        clock: Clock,
    ) -> None:
        self._registries = registries
        self._units = units
        self._documents = documents
        self._clock = clock

    async def run[R](self, reason: str, work: Callable[[SystemClient], Awaitable[R]], *errors: type[Exception]) -> R:
        """Run work in one unit of work and commit it; retry it on transient errors and on those named."""

        async def attempt() -> R:
            context = self._registries.pin(system_context(reason, clock=self._clock))
            async with self._units(context) as unit:
                result = await work(SystemClient(self._documents, context.within(unit)))
                await unit.commit()
                return result

        return await retry(attempt, TransientError, *errors)
