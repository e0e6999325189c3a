"""`QueryService`: reads without building document models, limited to the caller's row scope and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import EVERYTHING, And, Filter
from framework_m_core.domain.page import OrderSpec, PaginatedResult
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate, ReadHandle, Row
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.cursors import after_cursor, encode_cursor
from framework_m_core.services.queries.expansion import ExpansionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.parsing import ListRequest, ParsedList, parse_fields_parameter, parse_list
from framework_m_core.services.queries.point_reads import PointReads
from framework_m_core.services.queries.policy_pages import PolicyFilteredPages
from framework_m_core.services.queries.projection import (
    LIVE,
    Selection,
    Served,
    by_reference,
    cut,
    full_selection,
    names_of,
    not_found,
    projection,
    row_to_document,
    rows_to_documents,
    serve,
)
from framework_m_core.services.queries.read_cost import LARGE_OFFSET, is_heavy
from framework_m_core.services.queries.shape_cache import shape_caches
from framework_m_core.services.runtime.shield import run_shielded

__all__ = ["QueryService"]

type Document = dict[str, Any]

_NEWEST_FIRST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    """A prepared read, and whether it takes a place in the lane for heavy reads."""

    handle: ReadHandle
    heavy: bool


class QueryService:
    """Reads of single documents and of pages."""

    def __init__(
        self,
        registries: RegistryHandle,
        reader: DocumentReaderProtocol,
        permissions: PermissionService,
        lane: HeavyReads | None = None,
    ) -> None:
        self.permissions = permissions
        self._registries = registries
        self._reader = reader
        self._lane = lane or HeavyReads(reader.heavy_reads)
        self._compiled = shape_caches(self._compile)
        self._points = PointReads(reader)
        self._expansion = ExpansionService(reader, permissions)
        self._decided = PolicyFilteredPages(permissions, self._fetch_rows)

    async def get(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        *,
        fields: Sequence[str] | None = None,
        expand: Sequence[str] = (),
        for_update: bool = False,
    ) -> Served:
        """Return a document by id or name; `for_update` locks it until the context's unit ends.

        Raises EntityNotFoundError, and QueryError for fields that cannot be served.
        """
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self.permissions.require(context, plan, "read")
        if fields is None and not expand and context.unit is None and context.principal.id:
            prepared = self._points.find(plan, grant, ref)
            if prepared is not None:
                found = await self._reader.fetch(context, prepared.handle, prepared.values(ref, context.principal))
                if not found:
                    raise not_found(plan, ref)
                return prepared.document(found[0])
        served = projection(plan, grant.readable)
        chosen = served.chosen if fields is None else parse_fields_parameter(plan, grant, fields)
        where = And((by_reference(ref), LIVE, self.permissions.bound_scope(grant, context.principal)))
        rows = await self._rows(context, plan, grant, chosen, where, lock="change" if for_update else None)
        if not rows:
            raise not_found(plan, ref)
        by_row = fields is None and not expand and not grant.evaluate
        document = serve(row_to_document(chosen, rows[0]), served.fingerprint if by_row else None)
        if expand:
            await self._expansion.expand(context, plan, grant, [document], expand)
        return document

    async def list(self, context: RequestContext, doctype: str, request: ListRequest) -> PaginatedResult[Document]:
        """Return a page of documents. Raises QueryError for anything unknown, hidden or out of bounds."""
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self.permissions.require(context, plan, "read")
        grants = {"read": grant}
        if request.include_deleted:
            grants["delete"] = await self.permissions.require(context, plan, "delete")
        query = parse_list(plan, grant, request, _NEWEST_FIRST)
        matching = self._matching(context, grants, query)
        start = after_cursor(plan, query.order_by, request.cursor) if request.cursor else EVERYTHING
        if any(one.evaluate for one in grants.values()):
            page = await self._decided.page(context, plan, grants, query, matching, start)
        else:
            page = await self._page(context, plan, query, matching, start)
        if query.expand:
            await self._expansion.expand(context, plan, grant, page.items, query.expand)
        return page

    async def _page(
        self, context: RequestContext, plan: CompiledDocType, query: ParsedList, matching: Filter, start: Filter
    ) -> PaginatedResult[Document]:
        extra = tuple(spec.field for spec in query.order_by if spec.field not in names_of(query.fields))
        chosen: Selection = (*query.fields, *extra)
        where = matching if start == EVERYTHING else And((matching, start))
        rows = await self._fetch_rows(context, plan, chosen, where, query.order_by, (query.limit + 1, query.offset))
        has_more = len(rows) > query.limit
        documents = rows_to_documents(chosen, rows[: query.limit])
        cursor = encode_cursor(plan, query.order_by, documents[-1]) if has_more else None
        for document in documents if extra else ():
            for name in extra:
                del document[name]
        total = await self._count(context, plan, matching) if query.count else None
        return PaginatedResult(documents, total, query.limit, query.offset, has_more, cursor)

    def _matching(self, context: RequestContext, grants: Mapping[str, Grant], query: ParsedList) -> Filter:
        parts = [self.permissions.bound_scope(grant, context.principal) for grant in grants.values()]
        if not query.include_deleted:
            parts.append(LIVE)
        if query.where != EVERYTHING:
            parts.append(query.where)
        return And(tuple(parts))

    async def _rows(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        chosen: Selection,
        where: Filter,
        *,
        lock: Lock | None = None,
    ) -> Sequence[Row]:
        """Return all matching rows, without those that a policy engine refuses."""
        fetched = full_selection(plan) if grant.evaluate else chosen
        rows = await self._fetch_rows(context, plan, fetched, where, lock=lock)
        if not grant.evaluate:
            return rows
        documents = [row_to_document(fetched, row) for row in rows]
        allowed = await self.permissions.covers_each(context, plan, "read", grant, documents)
        return [tuple(cut(part, document) for part in chosen) for document in compress(documents, allowed)]

    async def _fetch_rows(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        chosen: Selection,
        where: Filter,
        order_by: tuple[OrderSpec, ...] = (),
        paging: tuple[int, int] | None = None,
        lock: Lock | None = None,
    ) -> Sequence[Row]:
        tree, parameters = parameterize(where)
        template = QueryTemplate(plan, chosen, tree, order_by, paged=paging is not None, lock=lock)
        skips_many = paging is not None and paging[1] > LARGE_OFFSET
        return await self._fetch(
            context, self._compiled.of(context.registry)(template), (*parameters, *(paging or ())), heavy=skips_many
        )

    def _compile(self, template: QueryTemplate) -> _Compiled:
        return _Compiled(self._reader.prepare(template), is_heavy(template.doctype, template))

    async def _fetch(
        self, context: RequestContext, read: _Compiled, values: Sequence[Any], *, heavy: bool = False
    ) -> Sequence[Row]:
        """Run a read; a read in a unit of work, which may hold locks, never queues."""
        if context.unit is not None:
            unit: UnitOfWorkProtocol = context.unit
            return await unit.fetch(read.handle, values)
        if not (read.heavy or heavy):
            return await self._reader.fetch(context, read.handle, values)
        async with self._lane.place(context.principal.id):
            # the store keeps working after a cancellation, so the place stays taken until it ends
            return await run_shielded(self._reader.fetch(context, read.handle, values))

    async def _count(self, context: RequestContext, plan: CompiledDocType, where: Filter) -> int:
        tree, parameters = parameterize(where)
        read = self._compiled.of(context.registry)(QueryTemplate(plan, (), tree, count=True))
        return int((await self._fetch(context, read, parameters))[0][0])
