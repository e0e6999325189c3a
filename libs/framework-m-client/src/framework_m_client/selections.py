"""Reads of more than one page: all pages by cursor, and documents by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, cast
from uuid import UUID

from framework_m_client.errors import CursorMissingError
from framework_m_client.filters import field
from framework_m_client.operations import ListQuery, Page, SelectQuery

__all__ = ["IDS_AT_ONCE", "GetManyQuery", "arrange_by_ids", "build_first_query", "build_next_query", "by_ids"]

IDS_AT_ONCE: Final = 200


class GetManyQuery(TypedDict, total=False):
    """What to read of documents that are named by their ids."""

    fields: Sequence[str]
    expand: Sequence[str]
    titles: bool


def build_first_query(query: SelectQuery, page_size: int) -> ListQuery:
    """Return the query of the first page."""
    return cast("ListQuery", {**query, "limit": page_size})


def build_next_query(query: ListQuery, page: Page[Any]) -> ListQuery | None:
    """Return the query of the page after this one, or None after the last. Raises CursorMissingError."""
    if not page.has_more:
        return None
    if page.next_cursor is None:
        raise CursorMissingError("there are more documents, but no cursor to them: sort by shorter values")
    return {**query, "cursor": page.next_cursor}


def by_ids(ids: Sequence[UUID | str], query: GetManyQuery) -> SelectQuery:
    """Return the query of the documents with these ids."""
    return cast("SelectQuery", {**query, "filters": field("id").is_in(map(str, ids))})


def arrange_by_ids(documents: Mapping[str, Mapping[str, Any]], ids: Sequence[UUID | str]) -> list[Mapping[str, Any]]:
    """Return the documents that were found, in the order of the ids."""
    return [documents[key] for key in map(str, ids) if key in documents]
