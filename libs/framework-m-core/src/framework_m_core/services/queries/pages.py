"""Pages, also those that end early because of their bytes."""

from __future__ import annotations

from collections.abc import Sequence

from framework_m_core.domain.page import PaginatedResult, TruncatedResult
from framework_m_core.services.queries.parsing import ParsedList
from framework_m_core.services.rows.sizes import PAGE_BYTES, refuse_too_large

__all__ = ["make_page"]


def make_page[T](
    query: ParsedList, items: Sequence[T], total: int | None, cursor: str | None, *, has_more: bool, is_cut: bool
) -> PaginatedResult[T]:
    """Return the page of some items; `is_cut` says that reading ended because of their bytes.

    Raises AnswerTooLargeError for a page cut short that no cursor continues.
    """
    if not is_cut or len(items) == query.limit:
        return PaginatedResult(items, total, query.limit, query.offset, has_more, cursor)
    if query.offset or cursor is None:
        message = (
            f"expected documents of at most {PAGE_BYTES} bytes together: use cursors, fewer fields or a lower limit"
        )
        raise refuse_too_large("limit", message, max_bytes=PAGE_BYTES)
    return TruncatedResult(items, total, query.limit, query.offset, has_more, cursor)
