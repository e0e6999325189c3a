"""The difference between the stored rows of a child table and those to store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from framework_m_core.domain.fields.json_form import is_same_json
from framework_m_core.domain.hash_keys import HashKey, hash_key

__all__ = ["ChildRow", "RowChanges", "compare_rows"]

type ChildRow = Mapping[str, Any]


class RowChanges(NamedTuple):
    """The ids of rows to delete, and the new or changed rows with their places; a changed row is in both."""

    deleted: Sequence[UUID]
    written: Sequence[tuple[int, ChildRow]]


def compare_rows(stored: Sequence[ChildRow], rows: Sequence[ChildRow]) -> RowChanges:
    """Return what turns the stored rows of a child table into the given ones. A row that moves is a changed row."""
    before: dict[HashKey, tuple[int, ChildRow]] = {hash_key(row["id"]): (n, row) for n, row in enumerate(stored)}
    deleted, written = [], []
    for place, row in enumerate(rows):
        known = before.pop(hash_key(row["id"]), None)
        if known is not None and known[0] == place and is_same_json(known[1], row):
            continue
        written.append((place, row))
        if known is not None:
            deleted.append(row["id"])
    return RowChanges([*deleted, *(row["id"] for _, row in before.values())], written)
