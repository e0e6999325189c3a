"""`Records`: reads and creates the documents that store identities and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.context import system_context
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison, Filter
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.queries.projection import LIVE
from framework_m_core.services.queries.shape_cache import shape_caches

__all__ = ["Records", "new_record"]

_SYSTEM = "system"
_GLOBAL: Final = system_context("find who is asking", source="http")
"""Identities and sessions belong to no tenant: they are read before it is known."""


class Records:
    """Reads of some fields of one DocType's live documents, without a unit of work."""

    def __init__(self, registries: RegistryHandle, reader: DocumentReaderProtocol, doctype: str, *fields: str) -> None:
        self._registries = registries
        self._reader = reader
        self._doctype = doctype
        self._fields = fields
        self._prepare = shape_caches(reader.prepare)

    async def find(self, field: str, value: object) -> Mapping[str, Any] | None:
        """Return the document with this value in a unique field, if any."""
        rows = await self.select(Comparison(field, "eq", value))
        return rows[0] if rows else None

    async def select(
        self, where: Filter, *order_by: OrderSpec, limit: int | None = None, offset: int = 0
    ) -> list[Mapping[str, Any]]:
        """Return the documents that match."""
        tree, values = parameterize(And((where, LIVE)))
        registry = self._registries.current
        shape = QueryTemplate(registry.get(self._doctype), self._fields, tree, order_by, paged=limit is not None)
        paging = () if limit is None else (limit, offset)
        rows = await self._reader.fetch(_GLOBAL, self._prepare.of(registry)(shape), (*values, *paging))
        return [dict(zip(self._fields, row, strict=True)) for row in rows]


def new_record(plan: CompiledDocType, id: UUID, now: datetime, values: Mapping[str, Any]) -> Any:
    """Build a document owned by the system; its name is the id unless given. Raises ValidationError."""
    stamps = {"id": id, "owner": _SYSTEM, "creation": now, "modified": now, "modified_by": _SYSTEM}
    return validate(plan, {"name": str(id), **values, **stamps})
