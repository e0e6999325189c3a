"""Pages filtered by a policy engine, which is asked about many documents at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.filters.tree import EVERYTHING, And, Filter
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.interfaces.permission import MAX_EVALUATED, Grant
from framework_m_core.interfaces.reader import Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.cursors import encode_cursor, filter_after_values
from framework_m_core.services.queries.pages import make_page
from framework_m_core.services.queries.parsing import ParsedList
from framework_m_core.services.queries.refusals import refuse
from framework_m_core.services.rows.projection import convert_row, extract_part, select_stored_fields
from framework_m_core.services.rows.sizes import PAGE_BYTES, measure_row

__all__ = ["Document", "FetchPage", "Grants", "PolicyFilteredPages"]

type Document = dict[str, Any]
type Grants = Mapping[str, Grant]
type FetchPage = Callable[..., Awaitable[tuple[Sequence[Row], bool]]]

_MAX_DECIDED = 5_000


@dataclass(frozen=True, slots=True)
class _Decision:
    """A document, and whether all grants allow it."""

    document: Document
    allowed: bool


class PolicyFilteredPages:
    """Pages read in batches until they are full of documents that the engine allows.

    A request decides on a bounded number of documents. A list that reaches the bound ends there: its page may be
    short, but says that there is more. Its cursor continues after the last allowed document, since the cursor of a
    refused document would reveal that document's values. It ends because of its bytes only by those that it shows: the
    batches are bounded too, but the bytes of what the caller may not read decide about nothing.
    """

    def __init__(self, permissions: PermissionService, fetch_page: FetchPage) -> None:
        self._permissions = permissions
        self._fetch_page = fetch_page

    async def read_page(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grants: Grants,
        query: ParsedList,
        matching: Filter,
        start: Filter,
    ) -> PaginatedResult[Document]:
        """Return a page of the documents that all grants, by action, allow. Its `total` is counted one by one.

        Raises QueryError if the bound is reached before the page begins, or before all documents are counted.
        """
        kept: list[Row] = []
        last: Document | None = None
        passed, size, has_more, is_cut = 0, 0, False, False
        first = query.offset + query.limit + 1
        async for one in self._decisions(context, plan, grants, query, matching, start, first):
            if one is None or (one.allowed and len(kept) == query.limit):
                has_more = True
                break
            passed += one.allowed
            if one.allowed and passed > query.offset:
                row = tuple(extract_part(part, one.document) for part in query.fields)
                size += measure_row(plan, query.fields, row)
                has_more = is_cut = bool(kept) and size > PAGE_BYTES
                if is_cut:
                    break
                kept.append(row)
            last = one.document if one.allowed else last
        if has_more and not kept:
            raise refuse("offset" if query.offset else "filters", "out_of_bounds", max_decided=_MAX_DECIDED)
        cursor = encode_cursor(plan, query.order_by, last) if has_more and last else None
        total = await self._count(context, plan, grants, query, matching) if query.count else None
        shown = [convert_row(query.fields, row) for row in kept]
        return make_page(query, shown, total, cursor, has_more=has_more, is_cut=is_cut)

    async def _count(
        self, context: RequestContext, plan: CompiledDocType, grants: Grants, query: ParsedList, matching: Filter
    ) -> int:
        count = 0
        everything = self._decisions(context, plan, grants, query, matching, EVERYTHING, MAX_EVALUATED)
        async for one in everything:
            if one is None:
                raise refuse("count", "out_of_bounds", max_decided=_MAX_DECIDED)
            count += one.allowed
        return count

    async def _decisions(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grants: Grants,
        query: ParsedList,
        matching: Filter,
        start: Filter,
        first: int,
    ) -> AsyncIterator[_Decision | None]:
        """Yield documents in order with the engine's decisions; None if the bound is reached before their end.

        The first batch has `first` documents, those that follow are larger.
        """
        chosen, after, size, left = select_stored_fields(plan), start, first, _MAX_DECIDED
        while left:
            size = min(size, MAX_EVALUATED, left)
            where, order = And((matching, after)), query.order_by
            rows, is_cut = await self._fetch_page(context, plan, chosen, where, order, (size, 0))
            documents = [convert_row(chosen, row) for row in rows]
            allowed = await self._allowed(context, plan, grants, documents)
            for document, is_allowed in zip(documents, allowed, strict=True):
                yield _Decision(document, is_allowed)
            if len(rows) < size and not is_cut:
                return
            after = filter_after_values(plan, query.order_by, [documents[-1][spec.field] for spec in query.order_by])
            left, size = left - len(rows), 2 * size
        rows, _ = await self._fetch_page(context, plan, chosen, And((matching, after)), query.order_by, (1, 0))
        if rows:
            yield None

    async def _allowed(
        self, context: RequestContext, plan: CompiledDocType, grants: Grants, documents: Sequence[Document]
    ) -> list[bool]:
        """Return which documents all grants allow; only those that one allows are asked about under the next."""
        allowed = [True] * len(documents)
        for action, grant in grants.items():
            places = [place for place, so_far in enumerate(allowed) if so_far]
            asked = [documents[place] for place in places]
            covered = await self._permissions.covers_each(context, plan, action, grant, asked)
            for place, one in zip(places, covered, strict=True):
                allowed[place] = one
        return allowed
