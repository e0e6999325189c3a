"""Pages filtered by a policy engine, which is asked about many documents at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.filters.tree import EVERYTHING, And, Filter
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.interfaces.permission import MOST_EVALUATED, Grant
from framework_m_core.interfaces.reader import Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.cursors import after_values, encode_cursor
from framework_m_core.services.queries.parsing import ParsedList
from framework_m_core.services.queries.projection import cut, full_selection, row_to_document

__all__ = ["PolicyFilteredPages"]

type Document = dict[str, Any]
type Grants = Mapping[str, Grant]
type FetchRows = Callable[..., Awaitable[Sequence[Row]]]

_MOST_DECIDED = 5_000


class PolicyFilteredPages:
    """Pages read in batches until they are full of documents that the engine allows.

    A request decides on a bounded number of documents. A list that reaches the bound ends there: its page may be
    short, but says that there is more. Its cursor continues after the last allowed document, since the cursor of a
    refused document would reveal that document's values.
    """

    def __init__(self, permissions: PermissionService, fetch_rows: FetchRows) -> None:
        self._permissions = permissions
        self._fetch_rows = fetch_rows

    async def page(
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
        kept: list[Document] = []
        last: Document | None = None
        passed, has_more = 0, False
        first = query.offset + query.limit + 1
        async for document, allowed in self._decisions(context, plan, grants, query, matching, start, first):
            if document is None or (allowed and len(kept) == query.limit):
                has_more = True
                break
            passed += allowed
            last = document if allowed else last
            if allowed and passed > query.offset:
                kept.append(document)
        if has_more and not kept:
            raise QueryError(f"expected a page within {_MOST_DECIDED} documents to decide about: narrow the filter")
        cursor = encode_cursor(plan, query.order_by, last) if has_more and last else None
        total = await self._count(context, plan, grants, query, matching) if query.count else None
        shown = [row_to_document(query.fields, tuple(cut(part, one) for part in query.fields)) for one in kept]
        return PaginatedResult(shown, total, query.limit, query.offset, has_more, cursor)

    async def _count(
        self, context: RequestContext, plan: CompiledDocType, grants: Grants, query: ParsedList, matching: Filter
    ) -> int:
        count = 0
        everything = self._decisions(context, plan, grants, query, matching, EVERYTHING, MOST_EVALUATED)
        async for document, allowed in everything:
            if document is None:
                raise QueryError(f"count=exact: expected at most {_MOST_DECIDED} documents to decide about, got more")
            count += allowed
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
    ) -> AsyncIterator[tuple[Document | None, bool]]:
        """Yield documents in order with the engine's decisions; None as the document if the bound is reached.

        The first batch has `first` documents, those that follow are larger.
        """
        chosen, after, size, left = full_selection(plan), start, first, _MOST_DECIDED
        while left:
            size = min(size, MOST_EVALUATED, left)
            rows = await self._fetch_rows(context, plan, chosen, And((matching, after)), query.order_by, (size, 0))
            documents = [row_to_document(chosen, row) for row in rows]
            allowed = await self._allowed(context, plan, grants, documents)
            for decided in zip(documents, allowed, strict=True):
                yield decided
            if len(rows) < size:
                return
            after = after_values(plan, query.order_by, [documents[-1][spec.field] for spec in query.order_by])
            left, size = left - size, 2 * size
        if await self._fetch_rows(context, plan, chosen, And((matching, after)), query.order_by, (1, 0)):
            yield None, False

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
