"""`SystemDocuments`: the framework's own writes, as the system, through the same stages as all other writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RequestContext, make_system_principal
from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.log_context import read_source
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
        async with self._turn:
            return await self._documents.change(self.context, doctype, ref, change)


class SystemDocuments:
    """Writes for an audited reason, with the permissions, hooks, stages, audit and events of any other write."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        documents: DocumentService,
        clock: Clock,
    ) -> None:
        self._registry_handle = registry_handle
        self._units = unit_of_work
        self._documents = documents
        self._clock = clock

    async def run[R](
        self,
        reason: str,
        work: Callable[[SystemClient], Awaitable[R]],
        *errors: type[Exception],
        waived: frozenset[str] = frozenset(),
    ) -> R:
        """Run work in one unit of work and commit it; retry it on transient errors and on those named.

        `waived` names the rules that the work may break.
        """

        async def attempt() -> R:
            principal = make_system_principal(reason)
            context = self._registry_handle.make_context(principal, source=read_source(), clock=self._clock)
            context = replace(context, waived=waived)
            async with self._units(context) as unit:
                result = await work(SystemClient(self._documents, context.within(unit)))
                await unit.commit()
                return result

        return await retry(attempt, TransientError, *errors)
