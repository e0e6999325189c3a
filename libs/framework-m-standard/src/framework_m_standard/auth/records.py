"""`Records`: the documents that authentication reads and writes with every request or login.

They are the one exception to the stages of writes: no permission, hook, audit entry or event, for the system alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import SYSTEM, RequestContext, make_system_context, make_system_principal
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison, Filter
from framework_m_core.domain.log_context import read_source
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate
from framework_m_core.interfaces.repository import RepositoryProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.rows.projection import LIVE
from framework_m_core.services.rows.template_cache import derive_template_caches

__all__ = ["Records", "WritableRecords"]

_SYSTEM = "system"
_GLOBAL: Final = make_system_context("authenticate a caller", source=SYSTEM)
"""Identities and sessions belong to no tenant: they are read before it is known."""


class Records:
    """Reads of some fields of one DocType's live documents, without a unit of work."""

    def __init__(
        self, registry_handle: RegistryHandle, reader: DocumentReaderProtocol, doctype: str, *fields: str
    ) -> None:
        self._registry_handle = registry_handle
        self._reader = reader
        self._doctype = doctype
        self._fields = fields
        self._prepare = derive_template_caches(reader.prepare)

    async def find(self, field: str, value: object) -> Mapping[str, Any] | None:
        """Return the document with this value in a unique field, if any."""
        rows = await self.select(Comparison(field, "eq", value))
        return rows[0] if rows else None

    async def select(
        self, where: Filter, *order_by: OrderSpec, limit: int | None = None, offset: int = 0
    ) -> list[Mapping[str, Any]]:
        """Return the documents that match."""
        tree, values = parameterize(And((where, LIVE)))
        registry = self._registry_handle.current
        template = QueryTemplate(registry.get(self._doctype), self._fields, tree, order_by, paged=limit is not None)
        paging = () if limit is None else (limit, offset)
        rows = await self._reader.fetch(_GLOBAL, self._prepare.of(registry)(template), (*values, *paging))
        return [dict(zip(self._fields, row, strict=True)) for row in rows]


class WritableRecords(Records):
    """Records that are also written, each time in a unit of work of their own."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        units: UnitOfWorkFactoryProtocol,
        reader: DocumentReaderProtocol,
        clock: Clock,
        doctype: str,
        *fields: str,
    ) -> None:
        super().__init__(registry_handle, reader, doctype, *fields)
        self._units = units
        self._clock = clock

    def make_context(self, reason: str) -> RequestContext:
        """Return the context of a write, as the system."""
        return self._registry_handle.make_context(
            make_system_principal(reason), source=read_source(), clock=self._clock
        )

    def build(self, context: RequestContext, id: UUID, now: datetime, values: Mapping[str, Any]) -> Any:
        """Build a document owned by the system, named by its id. Raises ValidationError."""
        stamps = {"id": id, "owner": _SYSTEM, "creation": now, "modified": now, "modified_by": _SYSTEM}
        return validate(context.registry.get(self._doctype), {"name": str(id), **values, **stamps})

    @asynccontextmanager
    async def open_repository(self, context: RequestContext) -> AsyncIterator[RepositoryProtocol[Any]]:
        """Yield the repository in a unit of work, which commits unless the block raises."""
        async with self._units(context) as unit:
            yield unit.repository(self._doctype)
            await unit.commit()
