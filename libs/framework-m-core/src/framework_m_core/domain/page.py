"""Pages of documents and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "MAX_OFFSET",
    "MAX_SORT_FIELDS",
    "FilteredResult",
    "OrderSpec",
    "PaginatedResult",
    "TruncatedFilteredResult",
    "TruncatedResult",
    "add_default_filters",
    "parse_order",
]

DEFAULT_LIMIT = 20
MAX_LIMIT = 500
MAX_OFFSET = 10_000
MAX_SORT_FIELDS = 5


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """Sort by one field; nulls come last in both directions."""

    field: str
    descending: bool = False


def parse_order(names: Sequence[str]) -> tuple[OrderSpec, ...]:
    """Return the order of names of fields, each with a `-` before it if it descends, with the id last."""
    order = [OrderSpec(name.removeprefix("-"), descending=name.startswith("-")) for name in names]
    if order and all(spec.field != "id" for spec in order):
        order.append(OrderSpec("id", descending=order[-1].descending))
    return tuple(order)


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


@dataclass(frozen=True, slots=True)
class FilteredResult[T](PaginatedResult[T]):
    """A page with default filters of its DocType, which it names."""

    default_filters: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class TruncatedFilteredResult[T](TruncatedResult[T]):
    """A truncated page with default filters of its DocType."""

    default_filters: Sequence[Mapping[str, Any]] = ()


def add_default_filters[T](page: PaginatedResult[T], filters: Sequence[Mapping[str, Any]]) -> PaginatedResult[T]:
    """Return a page that names the default filters that it has."""
    parts = (page.items, page.total, page.limit, page.offset, page.has_more, page.next_cursor)
    if isinstance(page, TruncatedResult):
        return TruncatedFilteredResult(*parts, page.truncated_by, filters)
    return FilteredResult(*parts, filters)
