"""`QueryService`: reads without building document models, limited to the caller's row scope and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.filters.conditions import describe_comparison
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import EVERYTHING, And, Filter
from framework_m_core.domain.page import OrderSpec, PaginatedResult, add_default_filters
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate, ReadHandle, Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.links.expansion import ExpansionService
from framework_m_core.services.links.names import LinkNames
from framework_m_core.services.links.titles import TitleService
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.cursors import encode_cursor, filter_after_cursor
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.pages import make_page
from framework_m_core.services.queries.parsing import ListRequest, ParsedList, parse_fields_parameter, parse_list
from framework_m_core.services.queries.point_reads import PointReads
from framework_m_core.services.queries.policy_pages import PolicyFilteredPages
from framework_m_core.services.queries.read_cost import LARGE_OFFSET, is_heavy
from framework_m_core.services.rows.projection import (
    LIVE,
    Selection,
    Served,
    by_reference,
    compile_projection,
    convert_row,
    convert_rows,
    extract_part,
    make_not_found,
    names_of,
    refuse_impossible,
    select_stored_fields,
    serialize,
)
from framework_m_core.services.rows.sizes import PAGE_BYTES, count_fitting, measure_widest_row
from framework_m_core.services.rows.template_cache import derive_template_caches
from framework_m_core.services.runtime.shield import run_shielded

__all__ = ["Document", "QueryService"]

type Document = dict[str, Any]

_NEWEST_FIRST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))
_BY_NAME = (OrderSpec("name"), OrderSpec("id"))


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    """A prepared read, and whether it takes a place of heavy reads."""

    handle: ReadHandle
    heavy: bool
    widest: float
    """Bytes that a row has at most."""


class QueryService:
    """Reads of single documents and of pages."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        reader: DocumentReaderProtocol,
        permissions: PermissionService,
        heavy_reads: HeavyReads,
    ) -> None:
        self.permissions = permissions
        self._registry_handle = registry_handle
        self._reader = reader
        self.heavy_reads = heavy_reads
        self._compiled = derive_template_caches(self._compile)
        self._points = PointReads(reader)
        self._expansion = ExpansionService(reader, permissions)
        self._titles = TitleService(reader, permissions)
        self.link_names = LinkNames(reader, permissions)
        self._decided = PolicyFilteredPages(permissions, self._fetch_page)

    async def get(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        *,
        fields: Sequence[str] | None = None,
        expand: Sequence[str] = (),
        titles: bool = False,
        for_update: bool = False,
    ) -> Served:
        """Return a document by id or name; `for_update` locks it until the context's unit ends.

        Raises EntityNotFoundError, and QueryError for fields that cannot be served.
        """
        context = self._registry_handle.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self.permissions.require_grant(context, plan, "read")
        if isinstance(ref, str):
            refuse_impossible(plan, ref)
        plain = fields is None and not expand and not titles
        if plain and context.unit is None and context.principal.id:
            prepared = self._points.find(plan, grant, ref)
            if prepared is not None:
                found = await self._reader.fetch(context, prepared.handle, prepared.bind_values(ref, context.principal))
                if not found:
                    raise make_not_found(plan, ref)
                return prepared.to_document(found[0])
        served = compile_projection(plan, grant.readable)
        chosen = served.chosen if fields is None else parse_fields_parameter(plan, grant, fields)
        where = And((by_reference(ref), LIVE, self.permissions.bind_scope(grant, context.principal)))
        rows = await self._rows(context, plan, grant, chosen, where, lock="change" if for_update else None)
        if not rows:
            raise make_not_found(plan, ref)
        fingerprint = served.fingerprint if plain and not grant.evaluate else None
        document = serialize(convert_row(chosen, rows[0]), fingerprint)
        if titles:
            await self._titles.add(context, plan, [document])
        if expand:
            await self._expansion.expand(context, plan, grant, [document], expand)
        return document

    async def list(self, context: RequestContext, doctype: str, request: ListRequest) -> PaginatedResult[Document]:
        """Return a page of the documents that the caller may read; without leave to read, of those to select.

        Raises QueryError for anything unknown, hidden or out of bounds.
        """
        context = self._registry_handle.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        action, grant = await self._find_listing_grant(context, plan, request)
        grants = {action: grant}
        if request.include_deleted:
            grants["delete"] = await self.permissions.require_grant(context, plan, "delete")
        query = parse_list(plan, grant, request, _NEWEST_FIRST if "creation" in grant.readable else _BY_NAME)
        matching = self._matching(
            context, grants, query, await self.link_names.resolve_filter(context, plan, query.where)
        )
        start = filter_after_cursor(plan, query.order_by, request.cursor) if request.cursor else EVERYTHING
        if any(one.evaluate for one in grants.values()):
            page = await self._decided.read_page(context, plan, grants, query, matching, start)
        else:
            page = await self._page(context, plan, query, matching, start)
        if query.default_filters:
            page = add_default_filters(
                page, [describe_comparison(one, plan.json_encoders) for one in query.default_filters]
            )
        if request.titles:
            await self._titles.add(context, plan, page.items)
        if query.expand:
            await self._expansion.expand(context, plan, grant, page.items, query.expand)
        return page

    async def _find_listing_grant(
        self, context: RequestContext, plan: CompiledDocType, request: ListRequest
    ) -> tuple[str, Grant]:
        """Return the action and the grant that a list is read under: without leave to read, that to select."""
        for action in ("read",) if request.include_deleted else ("read", "select"):
            grant = await self.permissions.find(context, plan, action)
            if grant is not None:
                return action, grant
        return "read", await self.permissions.require_grant(context, plan, "read")

    async def _page(
        self, context: RequestContext, plan: CompiledDocType, query: ParsedList, matching: Filter, start: Filter
    ) -> PaginatedResult[Document]:
        extra = tuple(spec.field for spec in query.order_by if spec.field not in names_of(query.fields))
        chosen: Selection = (*query.fields, *extra)
        where = matching if start == EVERYTHING else And((matching, start))
        paging = (query.limit + 1, query.offset)
        rows, is_cut = await self._fetch_page(context, plan, chosen, where, query.order_by, paging)
        has_more = is_cut or len(rows) > query.limit
        documents = convert_rows(chosen, rows[: query.limit])
        cursor = encode_cursor(plan, query.order_by, documents[-1]) if has_more else None
        for document in documents if extra else ():
            for name in extra:
                del document[name]
        total = await self._count(context, plan, matching) if query.count else None
        return make_page(query, documents, total, cursor, has_more=has_more, is_cut=is_cut)

    def _matching(
        self, context: RequestContext, grants: Mapping[str, Grant], query: ParsedList, where: Filter
    ) -> Filter:
        parts = [self.permissions.bind_scope(grant, context.principal) for grant in grants.values()]
        if not query.include_deleted:
            parts.append(LIVE)
        parts += query.default_filters
        if where != EVERYTHING:
            parts.append(where)
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
        fetched = select_stored_fields(plan) if grant.evaluate else chosen
        rows = await self._fetch_rows(context, plan, fetched, where, lock)
        if not grant.evaluate:
            return rows
        documents = [convert_row(fetched, row) for row in rows]
        allowed = await self.permissions.covers_each(context, plan, "read", grant, documents)
        return [tuple(extract_part(part, document) for part in chosen) for document in compress(documents, allowed)]

    async def _fetch_rows(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        chosen: Selection,
        where: Filter,
        lock: Lock | None,
    ) -> Sequence[Row]:
        tree, parameters = parameterize(where)
        read = self._compiled.of(context.registry)(QueryTemplate(plan, chosen, tree, lock=lock))
        return await self._fetch(context, read, parameters)

    async def _fetch_page(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        chosen: Selection,
        where: Filter,
        order_by: tuple[OrderSpec, ...],
        paging: tuple[int, int],
    ) -> tuple[Sequence[Row], bool]:
        """Return the rows of a page, and whether there are fewer than asked for because of their bytes."""
        tree, parameters = parameterize(where)
        compiled = self._compiled.of(context.registry)
        template = QueryTemplate(plan, chosen, tree, order_by, paged=True)
        read, (limit, offset), is_cut = compiled(template), paging, False
        skips_many = offset > LARGE_OFFSET
        if read.widest * limit > PAGE_BYTES:
            measure = compiled(replace(template, sizes=True))
            sizes = await self._fetch(context, measure, (*parameters, limit, offset), heavy=skips_many)
            fitting = count_fitting([size for (size,) in sizes])
            is_cut = fitting < len(sizes)
            limit = fitting if is_cut else limit
        rows = await self._fetch(context, read, (*parameters, limit, offset), heavy=skips_many)
        return rows, is_cut and len(rows) == limit  # fewer rows, since some have been deleted meanwhile, are the last

    def _compile(self, template: QueryTemplate[CompiledDocType]) -> _Compiled:
        plan = template.doctype
        return _Compiled(
            self._reader.prepare(template), is_heavy(plan, template), measure_widest_row(plan, template.fields)
        )

    async def _fetch(
        self, context: RequestContext, read: _Compiled, values: Sequence[Any], *, heavy: bool = False
    ) -> Sequence[Row]:
        """Run a read; a read in a unit of work, which may hold locks, never queues."""
        if context.unit is not None:
            return await context.unit.fetch(read.handle, values)
        if not (read.heavy or heavy):
            return await self._reader.fetch(context, read.handle, values)
        async with self.heavy_reads.place(context.principal.id):
            # the store keeps working after a cancellation, so the place stays taken until it ends
            return await run_shielded(self._reader.fetch(context, read.handle, values))

    async def _count(self, context: RequestContext, plan: CompiledDocType, where: Filter) -> int:
        tree, parameters = parameterize(where)
        read = self._compiled.of(context.registry)(QueryTemplate(plan, (), tree, count=True))
        return int((await self._fetch(context, read, parameters))[0][0])
