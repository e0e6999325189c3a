"""Pages of documents and their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "MAX_OFFSET", "OrderSpec", "PaginatedResult", "TruncatedResult"]

DEFAULT_LIMIT = 20
MAX_LIMIT = 500
MAX_OFFSET = 10_000


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """Sort by one field; nulls come last in both directions."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PaginatedResult[T]:
    """One page. `total` is None unless a count was requested; `next_cursor` continues after the last item."""

    items: Sequence[T]
    total: int | None
    limit: int
    offset: int
    has_more: bool
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class TruncatedResult[T](PaginatedResult[T]):
    """A page that ended before its limit, because its documents are large."""

    truncated_by: str = "bytes"
