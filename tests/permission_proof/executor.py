"""Requests performed by the services, with results in the same form as the reference's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import (
    AmendedDocumentError,
    AuthenticationError,
    DocumentNotDeletedError,
    EntityNotFoundError,
    FrameworkError,
    LinkedDocumentError,
    PermissionDeniedError,
    SubmittedDocumentError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.services.documents.codec import build_document
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_testing.harness import StoreHarness
from tests.permission_proof.declared import Request, Stored, Who
from tests.permission_proof.reference import Response

__all__ = ["Executor", "context_of", "to_comparable"]

_STATUS: Mapping[type[FrameworkError], int] = {
    ValidationError: 400,
    AuthenticationError: 401,
    PermissionDeniedError: 403,
    EntityNotFoundError: 404,
    VersionConflictError: 409,
    SubmittedDocumentError: 409,
    LinkedDocumentError: 409,
    DocumentNotDeletedError: 409,
    AmendedDocumentError: 409,
}
_MAX_PAGES = 50


def context_of(who: Who, clock: Callable[[], datetime]) -> RequestContext:
    """Return the request context of a caller."""
    return RequestContext(Principal(who.id, who.roles, who.email, who.attributes), clock=clock)


def to_comparable(value: Any, known: frozenset[UUID]) -> Any:
    """Return a result with newly generated ids replaced by `new`, since these differ each time."""
    if isinstance(value, Mapping):
        return {to_comparable(name, known): to_comparable(item, known) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_comparable(item, known) for item in value]
    if isinstance(value, UUID):
        return value if value in known else "new"
    if isinstance(value, str) and len(value) == 36:
        return to_comparable(UUID(value), known)
    return value


class Executor:
    """Stores documents and performs requests. Every write is rolled back, so that each request sees the same ones."""

    def __init__(
        self, store: StoreHarness, documents: DocumentService, queries: QueryService, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._documents = documents
        self._queries = queries
        self._clock = clock
        self._system = make_system_context("see what a request has left behind", clock=clock, source="cli")

    async def put(self, stored: Stored) -> None:
        """Replace all stored documents by these."""
        async with self._store.units(self._system) as unit:
            for name in reversed([*stored]):
                await unit.repository(name).delete_where(EVERYTHING)
            for name, documents in stored.items():
                plan, repository = self._store.registry.get(name), unit.repository(name)
                for document in documents.values():
                    await repository.insert(build_document(plan, document))
            await unit.commit()

    async def respond(self, who: Who, request: Request) -> tuple[Response, str]:
        """Perform a request and return its result and the text of its error, if any."""
        context = context_of(who, self._clock)
        if request.verb in {"get", "list"}:
            status, served, detail = await _tried(self._read, context, request)
            return Response(status, served), detail
        async with self._store.units(context) as unit:
            status, served, detail = await _tried(self._write, context.within(unit), request)
            left = await self._left(self._system.within(unit), request.doctype)
        return Response(status, served, left), detail

    async def _read(self, context: RequestContext, request: Request) -> Any:
        if request.verb == "get":
            return await self._queries.get(context, request.doctype, request.ref, **request.query)
        first = page = await self._queries.list(context, request.doctype, ListRequest(**request.query))
        items = [*page.items]
        for _ in range(_MAX_PAGES):
            if page.next_cursor is None:
                break
            further = {**request.query, "offset": 0, "cursor": page.next_cursor}
            page = await self._queries.list(context, request.doctype, ListRequest(**further))
            items += page.items
        return {"items": items, "total": first.total}

    async def _write(self, context: RequestContext, request: Request) -> Any:
        documents = self._documents
        if request.verb == "create":
            return await documents.create(context, request.doctype, request.body)
        if request.verb in {"delete", "purge"}:
            return await documents.delete(context, request.doctype, request.ref, hard=request.verb == "purge")
        change = getattr(documents, request.verb)
        return await change(context, request.doctype, request.ref, request.body)

    async def _left(self, context: RequestContext, doctype: str) -> Mapping[UUID, Mapping[str, Any]]:
        plan = self._store.registry.get(doctype)
        names = [name for name in (*plan.columns, *plan.children) if name != "deleted_at"]
        request = ListRequest(limit=500, fields=names, include_deleted=True)
        found = await self._queries.list(context, doctype, request)
        return {document["id"]: document for document in found.items}


async def _tried(perform: Callable[[RequestContext, Request], Any], context: RequestContext, request: Request) -> Any:
    """Return the status, the served value, and the text of the error."""
    try:
        return 200, await perform(context, request), ""
    except FrameworkError as error:
        known = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), None)
        if known is None:
            raise
        return known, None, f"{error.code}: {error.message} {getattr(error, 'errors', '')} {dict(error.details)}"
