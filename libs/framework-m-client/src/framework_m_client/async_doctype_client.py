"""The documents of a DocType, for coroutines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import batched
from types import MappingProxyType
from typing import Any, Protocol, Unpack
from uuid import UUID

from framework_m_client.operations import Call, DocTypeCalls, ListQuery, Page, SelectQuery
from framework_m_client.selections import (
    IDS_AT_ONCE,
    GetManyQuery,
    arrange_by_ids,
    build_first_query,
    build_next_query,
    by_ids,
)

__all__ = ["AsyncDocTypeClient", "AsyncRun"]


class AsyncRun(Protocol):
    """Sends a call and returns its result."""

    async def __call__[R](self, call: Call[R], /) -> R: ...


class AsyncDocTypeClient[T]:
    """Read and write documents, as dictionaries or as `T`.

    A change names its document by id, by name, or by the document itself: then it is refused with
    VersionConflictError if the document has changed since it was read. A write is sent again if its answer is lost;
    its idempotency key, by default a random one, makes it take effect once.
    """

    def __init__(self, run: AsyncRun, calls: DocTypeCalls[T]) -> None:
        self._run = run
        self._calls = calls

    async def get(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        *,
        fields: Sequence[str] = (),
        expand: Sequence[str] = (),
        titles: bool = False,
    ) -> T:
        """Return a document; `titles` adds those of the documents that it links to."""
        return await self._run(self._calls.get(reference, fields, expand, titles))

    async def list(self, **query: Unpack[ListQuery]) -> Page[T]:
        """Return a page of documents, without their rows unless `fields` names them."""
        return await self._run(self._calls.list(**query))

    async def search(self, **query: Unpack[ListQuery]) -> Page[T]:
        """Return a page as `list` does, with the filters in the body, which logs and proxies do not keep."""
        return await self._run(self._calls.search(**query))

    async def iterate(self, *, page_size: int = 100, **query: Unpack[SelectQuery]) -> AsyncIterator[T]:
        """Yield all documents of a selection, reading page after page. Raises CursorMissingError."""
        async for document in self._pages(build_first_query(query, page_size)):
            yield self._calls.decode(document)

    async def get_many(self, ids: Sequence[UUID | str], **query: Unpack[GetManyQuery]) -> Sequence[T]:
        """Return the documents with these ids in this order, without those that are not found."""
        found: dict[str, Mapping[str, Any]] = {}
        for some in batched(ids, IDS_AT_ONCE):
            async for one in self._pages(build_first_query(by_ids(some, query), IDS_AT_ONCE)):
                found[one["id"]] = one
        return [*map(self._calls.decode, arrange_by_ids(found, ids))]

    async def create(self, document: Mapping[str, Any] | object, *, idempotency_key: str | None = None) -> T:
        """Create a document."""
        return await self._run(self._calls.create(document, idempotency_key))

    async def compute(
        self,
        data: Mapping[str, Any] | object,
        *,
        reference: UUID | str | Mapping[str, Any] | T | None = None,
        seq: int | None = None,
    ) -> Mapping[str, Any]:
        """Return the `data` of a form with defaults, fetched and computed values, and `seq`; nothing is stored.

        `reference` is the document that the form changes; without it, the form is of a new one.
        """
        return await self._run(self._calls.compute(data, reference, seq))

    async def duplicate(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        changes: Mapping[str, Any] | object = MappingProxyType({}),
        *,
        idempotency_key: str | None = None,
    ) -> T:
        """Create a copy of a document, with changes in place of its own fields."""
        return await self._run(self._calls.duplicate(reference, changes, idempotency_key))

    async def update(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        changes: Mapping[str, Any] | object,
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Merge changes into a document. Child rows are sent whole; rows that stay need their `id`."""
        return await self._run(self._calls.update(reference, changes, version, idempotency_key))

    async def delete(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        *,
        version: int | None = None,
        hard: bool = False,
        idempotency_key: str | None = None,
    ) -> None:
        """Delete a document; permanently with `hard`."""
        await self._run(self._calls.delete(reference, version, hard, idempotency_key))

    async def rename(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        name: str,
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Give a document another name, and the field that it is named by."""
        return await self._run(self._calls.rename(reference, name, version, idempotency_key))

    async def submit(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Submit a draft."""
        return await self._run(self._calls.change_status("submit", reference, version, idempotency_key))

    async def cancel(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Cancel a submitted document."""
        return await self._run(self._calls.change_status("cancel", reference, version, idempotency_key))

    async def amend(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        changes: Mapping[str, Any] | object = MappingProxyType({}),
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Create a draft in place of a cancelled document, with changes in place of its fields."""
        return await self._run(self._calls.amend(reference, changes, version, idempotency_key))

    async def restore(
        self,
        reference: UUID | str | Mapping[str, Any] | T,
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Restore a deleted document; a name means the one that was deleted last."""
        return await self._run(self._calls.change_status("restore", reference, version, idempotency_key))

    async def call(
        self,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        document: UUID | str | Mapping[str, Any] | T | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Call a method of the DocType. Only a `repeatable` call is sent again if its answer is lost."""
        return await self._run(self._calls.method(method, arguments or {}, document, repeatable))

    async def _pages(self, query: ListQuery) -> AsyncIterator[Mapping[str, Any]]:
        following: ListQuery | None = query
        while following is not None:
            page = await self._run(self._calls.search_raw(**following))
            for document in page.items:
                yield document
            following = build_next_query(following, page)
