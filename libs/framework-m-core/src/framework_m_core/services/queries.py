"""`QueryService`: reads without making documents, under the caller's row scope and field mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from framework_m_core.domain.filters import EVERYTHING, And, Filter, shape_of
from framework_m_core.domain.page import OrderSpec, PaginatedResult
from framework_m_core.domain.scope import RequestScope
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import ChildSelection, DocumentReaderProtocol, QueryShape, ReadHandle, Row
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.plans import DocTypePlan
from framework_m_core.registry.snapshot import Snapshot
from framework_m_core.services.cursors import after_cursor, encode_cursor
from framework_m_core.services.expansion import ExpansionService
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.point_reads import PointRead, PointReads
from framework_m_core.services.projection import (
    LIVE,
    by_reference,
    full_selection,
    names_of,
    not_found,
    row_to_document,
    rows_to_documents,
    selection,
)
from framework_m_core.services.query_parsing import ListRequest, ParsedList, parse_fields_parameter, parse_list

__all__ = ["QueryService"]

type Document = dict[str, Any]
type Selection = tuple[str | ChildSelection, ...]

_MOST_KEPT_SLOTS = 256
_NEWEST_FIRST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))


class QueryService:
    """Single documents and pages of them."""

    def __init__(self, snapshot: Snapshot, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self.permissions = permissions
        self._snapshot = snapshot
        self._reader = reader
        self._prepare = lru_cache(maxsize=4096)(reader.prepare)
        self._points = PointReads(reader)
        self._expansion = ExpansionService(snapshot, reader, permissions)

    async def get(
        self,
        scope: RequestScope,
        doctype: str,
        ref: UUID | str,
        *,
        fields: Sequence[str] | None = None,
        expand: Sequence[str] = (),
    ) -> Document:
        """One document by id or name. Raises EntityNotFoundError, QueryError for fields that cannot be served."""
        plan = self._snapshot.get(doctype)
        grant = await self.permissions.require(scope, plan, "read")
        if fields is None and not expand and scope.unit is None and scope.principal.id:
            prepared = self._points.find(plan, grant, ref)
            if prepared is not None:
                return await self._get_prepared(scope, plan, prepared, ref)
        chosen = selection(plan, grant.readable)
        if fields is not None:
            chosen = parse_fields_parameter(plan, grant, fields)
        where = And((by_reference(ref), LIVE, self.permissions.bound_scope(grant, scope.principal)))
        rows = await self._rows(scope, plan, grant, chosen, where, ())
        if not rows:
            raise not_found(plan, ref)
        document = row_to_document(chosen, rows[0])
        if expand:
            await self._expansion.expand(scope, plan, grant, [document], expand)
        return document

    async def _get_prepared(
        self, scope: RequestScope, plan: DocTypePlan, prepared: PointRead, ref: UUID | str
    ) -> Document:
        rows = await self._reader.fetch(prepared.handle, prepared.values(ref, scope.principal))
        if not rows:
            raise not_found(plan, ref)
        if prepared.names is not None:
            return dict(zip(prepared.names, rows[0], strict=True))
        return row_to_document(prepared.chosen, rows[0])

    async def list(self, scope: RequestScope, doctype: str, request: ListRequest) -> PaginatedResult[Document]:
        """A page of documents. Raises QueryError for anything unknown, hidden or out of bounds."""
        plan = self._snapshot.get(doctype)
        grant = await self.permissions.require(scope, plan, "read")
        if request.include_deleted:
            await self.permissions.require(scope, plan, "delete")
        query = parse_list(plan, grant, request, _NEWEST_FIRST)
        matching = await self._matching(scope, plan, grant, query)
        page = And((matching, after_cursor(plan, query.order_by, request.cursor))) if request.cursor else matching
        extra = tuple(spec.field for spec in query.order_by if spec.field not in names_of(query.fields))
        chosen: Selection = (*query.fields, *extra)
        paging = (query.limit + 1, query.offset)
        rows = await self._rows(scope, plan, grant, chosen, page, query.order_by, paging)
        has_more = len(rows) > query.limit
        documents = rows_to_documents(chosen, rows[: query.limit])
        cursor = encode_cursor(query.order_by, documents[-1]) if has_more else None
        for document in documents if extra else ():
            for name in extra:
                del document[name]
        if query.expand:
            await self._expansion.expand(scope, plan, grant, documents, query.expand)
        total = await self._count(scope, plan, grant, matching) if query.count else None
        return PaginatedResult(documents, total, query.limit, query.offset, has_more, cursor)

    async def _matching(self, scope: RequestScope, plan: DocTypePlan, grant: Grant, query: ParsedList) -> Filter:
        parts = [self.permissions.bound_scope(grant, scope.principal)]
        if not query.include_deleted:
            parts.append(LIVE)
        else:
            deleting = await self.permissions.require(scope, plan, "delete")
            parts.append(self.permissions.bound_scope(deleting, scope.principal))
        if query.where != EVERYTHING:
            parts.append(query.where)
        return And(tuple(parts))

    async def _rows(
        self,
        scope: RequestScope,
        plan: DocTypePlan,
        grant: Grant,
        chosen: Selection,
        where: Filter,
        order_by: tuple[OrderSpec, ...],
        paging: tuple[int, int] | None = None,
    ) -> Sequence[Row]:
        tree, slots = shape_of(where)
        fetched = full_selection(plan) if grant.evaluate else chosen
        shape = QueryShape(plan.name, fetched, tree, order_by, paged=paging is not None)
        handle = self._handle(shape, len(slots))
        rows = await self._fetch(scope, handle, (*slots, *(paging or ())))
        return await self._evaluated(scope, plan, grant, chosen, rows) if grant.evaluate else rows

    def _handle(self, shape: QueryShape, slots: int) -> ReadHandle:
        """A prepared read. Large ones are not kept: callers can make any number of kinds."""
        return self._prepare(shape) if slots <= _MOST_KEPT_SLOTS else self._reader.prepare(shape)

    async def _fetch(self, scope: RequestScope, handle: Any, values: Sequence[Any]) -> Sequence[Row]:
        if scope.unit is not None:
            unit: UnitOfWorkProtocol = scope.unit
            return await unit.fetch(handle, values)
        return await self._reader.fetch(handle, values)

    async def _evaluated(
        self, scope: RequestScope, plan: DocTypePlan, grant: Grant, chosen: Selection, rows: Sequence[Row]
    ) -> Sequence[Row]:
        """The rows that an object-level engine lets through, cut down to the chosen fields."""
        kept: list[Row] = []
        for row in rows:
            document = row_to_document(full_selection(plan), row)
            if await self.permissions.covers(scope, plan, "read", grant, document):
                kept.append(tuple(_cut(part, document) for part in chosen))
        return kept

    async def _count(self, scope: RequestScope, plan: DocTypePlan, grant: Grant, where: Filter) -> int:
        if grant.evaluate:
            return len(await self._rows(scope, plan, grant, ("id",), where, ()))
        tree, slots = shape_of(where)
        handle = self._handle(QueryShape(plan.name, (), tree, count=True), len(slots))
        return int((await self._fetch(scope, handle, slots))[0][0])


def _cut(part: str | ChildSelection, document: Mapping[str, Any]) -> Any:
    if isinstance(part, str):
        return document[part]
    return [tuple(row[name] for name in part.columns) for row in document[part.field]]
