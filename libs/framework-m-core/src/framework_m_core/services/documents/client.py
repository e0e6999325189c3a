"""`DocumentClient`: the document service for hooks and handlers, with one context and one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.page import DEFAULT_LIMIT, PaginatedResult
from framework_m_core.services.queries.parsing import ListRequest

__all__ = ["DocumentClient", "DocumentOperations"]


class DocumentOperations(Protocol):
    """The operations of the document service that a client calls."""

    async def get(
        self, context: RequestContext, doctype: str, ref: UUID | str, *, for_update: bool = False
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

    async def update(
        self, context: RequestContext, doctype: str, ref: UUID | str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Merge values into a document."""
        ...

    async def delete(self, context: RequestContext, doctype: str, ref: UUID | str) -> None:
        """Delete a document softly."""
        ...

    async def submit(self, context: RequestContext, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """Make a draft final."""
        ...

    async def cancel(self, context: RequestContext, doctype: str, ref: UUID | str) -> dict[str, Any]:
        """Revoke a submitted document."""
        ...

    async def publish(self, context: RequestContext, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Store an event of a declared type."""
        ...


@dataclass(slots=True)
class _Turns:
    """The lock that serializes the calls of one hook, and whether any of them wrote."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wrote: bool = False


class DocumentClient:
    """An implementation of `controllers.Documents` over the document service."""

    def __init__(self, service: DocumentOperations, context: RequestContext, turns: _Turns | None = None) -> None:
        self._service = service
        self._context = context
        self._turns = turns or _Turns()

    def __repr__(self) -> str:
        return f"<DocumentClient for {self._context.principal.id or 'guests'!r} in request {self._context.request_id}>"

    @property
    def context(self) -> RequestContext:
        """The context that the client acts for."""
        return self._context

    @property
    def wrote(self) -> bool:
        """Whether anything has been written through this client."""
        return self._turns.wrote

    async def create(self, doctype: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a document and return what the caller may read of it."""
        async with self._writing():
            return await self._service.create(self._context, doctype, values)

    async def get(self, doctype: str, ref: UUID | str, *, for_update: bool = False) -> Mapping[str, Any]:
        """Return a document by id or name; in a hook, `for_update` locks it until the write ends."""
        async with self._turns.lock:
            return await self._service.get(self._context, doctype, ref, for_update=for_update)

    async def list(
        self,
        doctype: str,
        filters: Any = None,
        *,
        order_by: str | Sequence[str] = (),
        fields: str | Sequence[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
    ) -> PaginatedResult[dict[str, Any]]:
        """Return a page of documents; filters, order and fields are as in the HTTP API."""
        request = ListRequest(limit, offset, filters=filters, order_by=order_by, fields=fields)
        async with self._turns.lock:
            return await self._service.list(self._context, doctype, request)

    async def update(self, doctype: str, ref: UUID | str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge values into a document and return what the caller may read of it."""
        async with self._writing():
            return await self._service.update(self._context, doctype, ref, values)

    async def delete(self, doctype: str, ref: UUID | str) -> None:
        """Delete a document softly."""
        async with self._writing():
            await self._service.delete(self._context, doctype, ref)

    async def submit(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Make a draft final."""
        async with self._writing():
            return await self._service.submit(self._context, doctype, ref)

    async def cancel(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Revoke a submitted document."""
        async with self._writing():
            return await self._service.cancel(self._context, doctype, ref)

    async def publish(self, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Publish an event of a declared type, in the unit of work of a hook, else in one of its own."""
        async with self._turns.lock:
            return await self._service.publish(self._context, payload, key=key)

    def elevated(self, reason: str) -> DocumentClient:
        """Return a client in the same unit of work that acts as the system; the audit log records the reason."""
        return DocumentClient(self._service, self._context.elevated(reason), self._turns)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        async with self._turns.lock:
            self._turns.wrote = True
            yield
