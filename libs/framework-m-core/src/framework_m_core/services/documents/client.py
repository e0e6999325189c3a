"""`DocumentClient`: the document service for hooks and handlers, with one context and one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, Protocol
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, PaginatedResult
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.python_filters import read_filters
from framework_m_core.services.queries.refusals import refuse, shorten

__all__ = ["DocumentClient", "DocumentOperations"]

_NO_VALUES: Final[Mapping[str, Any]] = MappingProxyType({})


class DocumentOperations(Protocol):
    """The operations of the document service that a client calls."""

    async def get(
        self, context: RequestContext, doctype: str, ref: UUID | str, *, titles: bool = False, for_update: bool = False
    ) -> dict[str, Any]:
        """Return a document by id or name."""
        ...

    async def list(
        self, context: RequestContext, doctype: str, request: ListRequest
    ) -> PaginatedResult[dict[str, Any]]:
        """Return a page of documents."""
        ...

    async def create(self, context: RequestContext, doctype: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a document."""
        ...

    async def duplicate(
        self, context: RequestContext, doctype: str, ref: UUID | str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Create a copy of a document."""
        ...

    async def update(
        self, context: RequestContext, doctype: str, ref: UUID | str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Merge values into a document."""
        ...

    async def delete(self, context: RequestContext, doctype: str, ref: UUID | str) -> None:
        """Delete a document softly."""
        ...

    async def restore(self, context: RequestContext, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """Restore a deleted document."""
        ...

    async def rename(self, context: RequestContext, doctype: str, ref: UUID | str, name: str) -> dict[str, Any]:
        """Give a document another name."""
        ...

    async def submit(self, context: RequestContext, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """Make a draft final."""
        ...

    async def cancel(self, context: RequestContext, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """Revoke a submitted document."""
        ...

    async def amend(
        self, context: RequestContext, doctype: str, ref: UUID | str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Create a draft in place of a cancelled document."""
        ...

    async def publish(self, context: RequestContext, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Store an event of a declared type."""
        ...


class DocumentClient:
    """An implementation of `controllers.Documents` over the document service."""

    def __init__(self, service: DocumentOperations, context: RequestContext, turn: asyncio.Lock | None = None) -> None:
        self._service = service
        self._context = context
        self._turn = turn or asyncio.Lock()
        """Held by the call that runs, as those of one hook run one after the other."""

    def __repr__(self) -> str:
        return f"<DocumentClient for {self._context.principal.id or 'guests'!r} in request {self._context.request_id}>"

    @property
    def context(self) -> RequestContext:
        """The context that the client acts for."""
        return self._context

    async def create(self, doctype: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a document and return what the caller may read of it."""
        _check_arguments(doctype, values=values)
        async with self._turn:
            return await self._service.create(self._context, doctype, values)

    async def get(
        self, doctype: str, ref: UUID | str, *, titles: bool = False, for_update: bool = False
    ) -> Mapping[str, Any]:
        """Return a document by id or name; in a hook, `for_update` locks it until the write ends."""
        _check_arguments(doctype, ref)
        async with self._turn:
            return await self._service.get(self._context, doctype, ref, titles=titles, for_update=for_update)

    async def list(
        self,
        doctype: str,
        filters: Any = None,
        *,
        order_by: str | Sequence[str] = (),
        fields: str | Sequence[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
        titles: bool = False,
        default_filters: bool = False,
        **where: Any,
    ) -> PaginatedResult[dict[str, Any]]:
        """Return a page of documents; order, fields and titles are as in the HTTP API, filters also as a mapping.

        Code names its own conditions: the DocType's default filters act with `default_filters` alone.
        """
        read = read_filters(filters, where)
        return await self._list(
            doctype,
            ListRequest(
                limit,
                offset,
                filters=read,
                order_by=order_by,
                fields=fields,
                titles=titles,
                default_filters=default_filters,
            ),
        )

    async def iterate(
        self,
        doctype: str,
        filters: Any = None,
        *,
        order_by: str | Sequence[str] = (),
        fields: str | Sequence[str] | None = None,
        batch: int = MAX_LIMIT,
        **where: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield all matching documents, of which one batch is held at a time."""
        request = ListRequest(batch, filters=read_filters(filters, where), order_by=order_by, fields=fields)
        while True:
            page = await self._list(doctype, request)
            for document in page.items:
                yield document
            if not page.has_more:
                return
            if page.next_cursor is None:
                raise refuse("order_by", "not_sortable")
            request = replace(request, cursor=page.next_cursor)

    async def count(self, doctype: str, filters: Any = None, **where: Any) -> int:
        """Return the number of matching documents that the caller may read."""
        request = ListRequest(1, filters=read_filters(filters, where), fields=(), count="exact")
        return (await self._list(doctype, request)).total or 0

    async def exists(self, doctype: str, filters: Any = None, **where: Any) -> bool:
        """Return whether there is a matching document that the caller may read."""
        request = ListRequest(1, filters=read_filters(filters, where), fields=())
        return bool((await self._list(doctype, request)).items)

    async def get_value(self, doctype: str, ref: UUID | str, field: str) -> Any:
        """Return the value of one field of a document. Raises QueryError for one that the caller may not read."""
        _check_arguments(doctype, ref)
        async with self._turn:
            document = await self._service.get(self._context, doctype, ref)
        if field not in document:
            raise refuse("field", "unknown_field", doctype=doctype, got=shorten(field), choices=[*document])
        return document[field]

    async def _list(self, doctype: str, request: ListRequest) -> PaginatedResult[dict[str, Any]]:
        _check_arguments(doctype)
        async with self._turn:
            return await self._service.list(self._context, doctype, request)

    async def duplicate(
        self, doctype: str, ref: UUID | str, values: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Create a copy of a document, with values in place of its own, and return what the caller may read of it."""
        _check_arguments(doctype, ref, _NO_VALUES if values is None else values)
        async with self._turn:
            return await self._service.duplicate(self._context, doctype, ref, values)

    async def update(self, doctype: str, ref: UUID | str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge values into a document and return what the caller may read of it."""
        _check_arguments(doctype, ref, values)
        async with self._turn:
            return await self._service.update(self._context, doctype, ref, values)

    async def delete(self, doctype: str, ref: UUID | str) -> None:
        """Delete a document softly."""
        _check_arguments(doctype, ref)
        async with self._turn:
            await self._service.delete(self._context, doctype, ref)

    async def restore(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Restore a soft-deleted document; a name means the one that was deleted last."""
        _check_arguments(doctype, ref)
        async with self._turn:
            return await self._service.restore(self._context, doctype, ref)

    async def rename(self, doctype: str, ref: UUID | str, name: str) -> Mapping[str, Any]:
        """Give a document another name."""
        _check_arguments(doctype, ref)
        async with self._turn:
            return await self._service.rename(self._context, doctype, ref, name)

    async def submit(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Make a draft final."""
        _check_arguments(doctype, ref)
        async with self._turn:
            return await self._service.submit(self._context, doctype, ref)

    async def cancel(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Revoke a submitted document."""
        _check_arguments(doctype, ref)
        async with self._turn:
            return await self._service.cancel(self._context, doctype, ref)

    async def amend(self, doctype: str, ref: UUID | str, values: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Create a draft in place of a cancelled document, with values in place of its own."""
        async with self._turn:
            return await self._service.amend(self._context, doctype, ref, values)

    async def publish(self, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Publish an event of a declared type, in the unit of work of a hook, else in one of its own."""
        async with self._turn:
            return await self._service.publish(self._context, payload, key=key)

    def elevated(self, reason: str) -> DocumentClient:
        """Return a client in the same unit of work with the system's permissions; the audit log records the reason."""
        return DocumentClient(self._service, self._context.elevated(reason), self._turn)


def _check_arguments(doctype: object, ref: object = "", values: object = _NO_VALUES) -> None:
    """Raise TypeError for arguments of other types than those annotated, which would fail far from the call."""
    if not isinstance(doctype, str):
        raise TypeError(f"expected the name of a DocType, such as 'Customer', got {doctype!r}")
    if not isinstance(ref, UUID | str):
        raise TypeError(f"expected the id (UUID) or the name (str) of a {doctype}, got {ref!r}")
    if not isinstance(values, Mapping):
        raise TypeError(f"expected a mapping of the {doctype}'s fields to values, got a {type(values).__name__}")
