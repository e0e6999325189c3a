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
    """Stores whole documents, children included. Never commits; knows no hooks and no permissions.

    Contract: a write is visible to later reads of the same unit; constraint errors surface at the latest when the
    unit is flushed. Reads leave soft-deleted documents out unless told otherwise.
    """

    async def get(self, id: UUID, *, include_deleted: bool = False) -> T | None:
        """The document with this id."""
        ...

    async def get_by_name(self, name: str) -> T | None:
        """The live document with this name."""
        ...

    async def insert(self, document: T) -> T:
        """Adds a document that was made here; its version becomes 1.

        Raises DuplicateNameError, DuplicateValueError or IntegrityError; never changes an existing document.
        """
        ...

    async def update(self, document: T, *, expected_version: int) -> T:
        """Replaces a loaded document; its version becomes `expected_version + 1`.

        Raises VersionConflictError when the stored version is another or the document is gone.
        """
        ...

    async def save(self, document: T) -> T:
        """`insert` for a document made here (version 0), else `update` against the version that it carries."""
        ...

    async def delete(self, id: UUID) -> bool:
        """Removes the row and its children for good; False when there was none. Raises LinkedDocumentError."""
        ...

    async def exists(self, id: UUID) -> bool:
        """Whether a live document has this id."""
        ...

    async def count(self, where: Filter = EVERYTHING) -> int:
        """How many live documents match."""
        ...

    async def list(
        self,
        where: Filter = EVERYTHING,
        order_by: Sequence[OrderSpec] = (),
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
    ) -> PaginatedResult[T]:
        """A page of live documents; newest first unless ordered."""
        ...

    async def bulk_save(self, documents: Sequence[T]) -> Sequence[T]:
        """`save` for each, in order."""
        ...

    async def update_where(self, where: Filter, values: Mapping[str, Any]) -> int:
        """Sets scalar fields of all live documents that match, raising their versions; returns how many."""
        ...

    async def delete_where(self, where: Filter) -> int:
        """Removes all matching rows for good, live or not; returns how many."""
        ...

    def stream(self, where: Filter = EVERYTHING, *, batch: int = 500) -> AsyncIterator[T]:
        """All live documents that match, by id, read in batches."""
        ...
