"""`DocumentLoader`: documents to change, as their callers may read them and act on them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import EVERYTHING, And, Comparison, Filter
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.writing.write import Loaded, refuse_unstored
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.point_reads import PointReads
from framework_m_core.services.rows.projection import (
    LIVE,
    by_reference,
    convert_row,
    make_not_found,
    refuse_impossible,
    select_stored_fields,
)
from framework_m_core.services.rows.template_cache import derive_template_caches

__all__ = ["DocumentLoader"]

_DELETED: Final = Comparison("deleted_at", "is_null", False)
_LAST_DELETED: Final = (OrderSpec("deleted_at", descending=True),)


class DocumentLoader:
    """Reads documents within the unit of work that changes them."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._permissions = permissions
        self._points = PointReads(reader, whole=True)
        self._prepare = derive_template_caches(reader.prepare)

    async def load(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        ref: UUID | str,
        *,
        lock: Lock | None = None,
        restoring: bool = False,
    ) -> tuple[Loaded, Grant]:
        """Load a document with the grant of the action; `lock` keeps it unchanged until the unit ends.

        To restore one, a name means the document that was deleted last, and the live one if none was.

        Raises EntityNotFoundError unless the caller may read it, and OutsideScopeError unless they may act on it.
        """
        grant = await self._permissions.require_grant(context, plan, action)
        reading = await self._permissions.require_grant(context, plan, "read")
        if isinstance(ref, str):
            refuse_impossible(plan, ref)
        reach = _reach_of(action, ref, restoring=restoring)
        values = await self._stored(unit, context, plan, reading, ref, lock, reach=reach)
        if values is None and reach is _DELETED:
            values = await self._stored(unit, context, plan, reading, ref, lock, reach=LIVE)
        if values is None:
            refuse_unstored(context.write, plan, ref)
            raise make_not_found(plan, ref)
        if reading.evaluate and not await self._permissions.covers(context, plan, "read", reading, values):
            raise make_not_found(plan, ref)
        await self._permissions.require_covered(context, plan, action, grant, values)
        return Loaded(plan, values, reading, is_locked=lock is not None), grant

    async def read_version(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        id: UUID,
        *,
        lock: Lock | None = None,
    ) -> int | None:
        """Return the version of a document as the unit sees it now; None if it is deleted."""
        where, parameters = parameterize(And((by_reference(id), LIVE)))
        template = QueryTemplate(plan, (VERSION_FIELD,), where, lock=lock)
        rows = await unit.fetch(self._prepare.of(context.registry)(template), parameters)
        return rows[0][0] if rows else None

    async def _stored(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        reading: Grant,
        ref: UUID | str,
        lock: Lock | None,
        *,
        reach: Filter,
    ) -> dict[str, Any] | None:
        prepared = None if lock or not context.principal.id else self._points.find(plan, reading, ref)
        if prepared is not None:
            rows = await unit.fetch(prepared.handle, prepared.bind_values(ref, context.principal))
            return prepared.to_document(rows[0]) if rows else None
        scope = self._permissions.bind_scope(reading, context.principal)
        where, parameters = parameterize(And((by_reference(ref), scope, reach)))
        order = _LAST_DELETED if reach is _DELETED else ()
        template = QueryTemplate(plan, select_stored_fields(plan), where, order, lock=lock)
        rows = await unit.fetch(self._prepare.of(context.registry)(template), parameters)
        return convert_row(select_stored_fields(plan), rows[0]) if rows else None


def _reach_of(action: str, ref: UUID | str, *, restoring: bool) -> Filter:
    """Return which documents a reference reaches: only ids reach deleted ones, but for a restore."""
    if isinstance(ref, UUID) and (restoring or action == "purge"):
        return EVERYTHING
    return _DELETED if restoring else LIVE
