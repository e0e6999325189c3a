"""Port `RepositoryProtocol`: the documents of one DocType inside a unit of work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from framework_m_core.domain.documents.doctype import BaseDocTypeProtocol
from framework_m_core.domain.filters.tree import EVERYTHING, Filter
from framework_m_core.domain.page import DEFAULT_LIMIT, OrderSpec, PaginatedResult

__all__ = ["RepositoryProtocol"]


class RepositoryProtocol[T: BaseDocTypeProtocol](Protocol):
    """Stores whole documents, including children. Never commits; applies no hooks and no permissions.

    Contract: a write is visible to later reads of the same unit; constraint errors surface at the latest when the
    unit is flushed. Reads exclude soft-deleted documents unless stated otherwise.
    """

    async def get(self, id: UUID, *, include_deleted: bool = False) -> T | None:
        """Return the document with this id, if any."""
        ...

    async def get_by_name(self, name: str) -> T | None:
        """Return the live document with this name, if any."""
        ...

    async def insert(self, document: T) -> T:
        """Insert a new document; its version becomes 1.

        Raises DuplicateNameError, DuplicateValueError or IntegrityError; never changes an existing document.
        """
        ...

    async def update(self, document: T, *, expected_version: int, stored: Mapping[str, Any] | None = None) -> T:
        """Replace a loaded document; its version becomes `expected_version + 1`.

        `stored` are the values of that version, if the caller has them: the store then needs to write only what
        differs. Raises VersionConflictError if the stored version differs or the document is gone.
        """
        ...

    async def save(self, document: T) -> T:
        """Insert a new document (version 0), or update a loaded one against its own version."""
        ...

    async def delete(self, id: UUID) -> bool:
        """Delete the row and its children permanently; return False if there is none. Raises LinkedDocumentError."""
        ...

    async def exists(self, id: UUID) -> bool:
        """Return whether a live document has this id."""
        ...

    async def count(self, where: Filter = EVERYTHING) -> int:
        """Return the number of live documents that match."""
        ...

    async def list(
        self,
        where: Filter = EVERYTHING,
        order_by: Sequence[OrderSpec] = (),
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
    ) -> PaginatedResult[T]:
        """Return a page of live documents, newest first unless ordered."""
        ...

    async def bulk_save(self, documents: Sequence[T]) -> Sequence[T]:
        """Save each document, in order."""
        ...

    async def update_where(self, where: Filter, values: Mapping[str, Any]) -> int:
        """Set scalar fields of all live documents that match, incrementing their versions; return their number."""
        ...

    async def delete_where(self, where: Filter) -> int:
        """Delete all matching rows permanently, live or not; return their number."""
        ...

    def stream(self, where: Filter = EVERYTHING, *, batch: int = 500) -> AsyncIterator[T]:
        """Yield all live documents that match, ordered by id, reading in batches."""
        ...
