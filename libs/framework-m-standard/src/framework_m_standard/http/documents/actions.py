"""Handlers of the document routes: from request to service call, and from result to response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import AnswerReplayed, EntityNotFoundError, PreconditionRequiredError
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.drafts import NO_VERSION
from framework_m_core.services.documents.merging import expected_version
from framework_m_core.services.documents.service import DocumentService, IdempotentWrite
from framework_m_core.services.queries.projection import Served
from framework_m_core.services.queries.service import QueryService
from framework_m_standard.http.documents.etags import (
    WriteConditions,
    content_etag,
    document_etag,
    not_modified,
    write_conditions,
)
from framework_m_standard.http.documents.idempotency_keys import replayed, written_once
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.query_parameters import (
    flag,
    parse_document_request,
    parse_list_request,
    parse_query,
)
from framework_m_standard.http.documents.search_body import parse_search_body
from framework_m_standard.http.wire.asgi import Receive, RequestState
from framework_m_standard.http.wire.body_codec import decode_object, read_body
from framework_m_standard.http.wire.responses import JSON, PRIVATE, DocumentEncoder, Headers, RawResponse

__all__ = ["Call", "DocumentActions"]

_DOCUMENT: Final = (JSON, *PRIVATE)


@dataclass(slots=True)
class Call:
    """A request for documents of a DocType; `ref` is set on routes with an `{id}`."""

    state: RequestState
    plan: CompiledDocType
    operation: Operation
    path: bytes
    query: bytes
    receive: Receive
    ref: Any = None

    @property
    def target(self) -> bytes:
        """The path with its query."""
        return self.path + b"?" + self.query if self.query else self.path


class DocumentActions:
    """The handlers of the operations on documents."""

    def __init__(
        self, documents: DocumentService, queries: QueryService, encode: DocumentEncoder, max_body_bytes: int
    ) -> None:
        self._documents = documents
        self._queries = queries
        self._encode = encode
        self._body_limit = max_body_bytes

    async def get(self, call: Call) -> RawResponse:
        """Return one document, or 304 if the client has it already."""
        context, name = call.state.context, call.plan.name
        if call.query:
            await self._require(call)
            asked = parse_document_request(call.query)
            document = await self._queries.get(context, name, call.ref, fields=asked.fields, expand=asked.expand)
        else:
            document = await self._queries.get(context, name, call.ref)
        body = b"" if document.fingerprint else self._encode(call.state.context.registry, call.plan, document)
        etag = document_etag(document, body)
        if not_modified(call.state.headers, etag):
            return _not_modified(etag)
        return RawResponse(200, body or self._encode(call.state.context.registry, call.plan, document), _tagged(etag))

    async def list(self, call: Call) -> RawResponse:
        """Return a page of documents, or 304 if the client has it already."""
        await self._require(call)
        page = await self._queries.list(call.state.context, call.plan.name, parse_list_request(call.query))
        body = self._encode(call.state.context.registry, call.plan, page)
        etag = content_etag(body)
        return _not_modified(etag) if not_modified(call.state.headers, etag) else RawResponse(200, body, _tagged(etag))

    async def search(self, call: Call) -> RawResponse:
        """Return a page of documents; the parameters of the list stand in the body."""
        values = decode_object(call.state.headers, await self._body(call), optional=True)
        page = await self._queries.list(call.state.context, call.plan.name, parse_search_body(values))
        body = self._encode(call.state.context.registry, call.plan, page)
        return RawResponse(200, body, _DOCUMENT)

    async def create(self, call: Call) -> RawResponse:
        """Create a document."""
        body = await self._body(call)
        values = decode_object(call.state.headers, body)
        render = partial(self._written, call, 201)
        once = self._once(call, body, render)
        return await _answered(self._documents.create(call.state.context, call.plan.name, values, once=once), render)

    async def replace(self, call: Call) -> RawResponse:
        """Merge fields into a document of a stated version."""
        return await self._update(call, needs_version=True)

    async def update(self, call: Call) -> RawResponse:
        """Merge fields into a document."""
        return await self._update(call, needs_version=False)

    async def submit(self, call: Call) -> RawResponse:
        """Submit a draft."""
        return await self._transition(self._documents.submit, call)

    async def cancel(self, call: Call) -> RawResponse:
        """Cancel a submitted document."""
        return await self._transition(self._documents.cancel, call)

    async def delete(self, call: Call) -> RawResponse:
        """Delete a document, permanently with `?hard=true`."""
        await self._require(call)
        hard = flag(parse_query(call.query, ("hard",)), "hard")
        wanted = write_conditions(call.state.headers)
        once = self._once(call, b"", _deleted)
        ref, version = await self._expected(call, wanted)
        context, name = call.state.context, call.plan.name
        return await _answered(
            self._documents.delete(context, name, ref, hard=hard, if_match=version, once=once), _deleted
        )

    async def _update(self, call: Call, *, needs_version: bool) -> RawResponse:
        body = await self._body(call)
        values = decode_object(call.state.headers, body)
        wanted = write_conditions(call.state.headers)
        if needs_version and values.get(VERSION_FIELD) is None and not _says_version(wanted):
            raise PreconditionRequiredError("PUT needs the version that it replaces: send _version or If-Match")
        write = partial(self._documents.update, body=values)
        return await self._change(call, write, values, wanted, body)

    async def _transition(self, write: Callable[..., Awaitable[Any]], call: Call) -> RawResponse:
        body = await self._body(call)
        values = decode_object(call.state.headers, body, optional=True)
        wanted = write_conditions(call.state.headers)
        return await self._change(call, partial(write, body=values), values, wanted, body)

    async def _change(
        self,
        call: Call,
        write: Callable[..., Awaitable[Any]],
        values: dict[str, Any],
        wanted: WriteConditions | None,
        body: bytes,
    ) -> RawResponse:
        if wanted is not None and wanted.match is not None:
            expected_version(values)
            values.pop(VERSION_FIELD, None)
        render = partial(self._written, call, 200)
        once = self._once(call, body, render)
        ref, version = await self._expected(call, wanted)
        if version != NO_VERSION and values.get(VERSION_FIELD) is not None:
            version = None  # the body states a version, which the service checks
        return await _answered(write(call.state.context, call.plan.name, ref, if_match=version, once=once), render)

    async def _body(self, call: Call) -> bytes:
        """Read the body of a write, after checking the permission and refusing any query parameter."""
        await self._require(call)
        parse_query(call.query)
        return await read_body(call.state.headers, call.receive, call.operation.body_limit or self._body_limit)

    async def _require(self, call: Call) -> None:
        await self._queries.permissions.require(call.state.context, call.plan, call.operation.action)

    async def _expected(self, call: Call, wanted: WriteConditions | None) -> tuple[UUID | str, int | None]:
        """Return the reference and the expected version of a write. A name is resolved to an id and checked against
        the tags, because the name may belong to another document by now."""
        if wanted is None or (wanted.none_match is None and wanted.match is not None and wanted.match.anything):
            return call.ref, None
        if wanted.none_match is None and wanted.match is not None:
            versions = wanted.match.versions
            if len(versions) == 1 and versions[0][0] == call.ref:
                return call.ref, versions[0][1]
        try:
            current = await self._queries.get(call.state.context, call.plan.name, call.ref, fields=())
        except EntityNotFoundError:
            return call.ref, None if wanted.match is None else NO_VERSION
        if not wanted.hold(current["id"], current[VERSION_FIELD]):
            return current["id"], NO_VERSION
        return current["id"], current[VERSION_FIELD]

    def _once(self, call: Call, body: bytes, render: Callable[[Any], RawResponse]) -> IdempotentWrite | None:
        return written_once(call.state, call.operation.method, call.target, body, render)

    def _written(self, call: Call, status: int, document: Served) -> RawResponse:
        body = self._encode(call.state.context.registry, call.plan, document)
        headers = _tagged(document_etag(document, body))
        if status == 201:
            location = f"/api/v1/{call.plan.name}/{document['id']}"
            headers = (*headers, (b"location", location.encode("ascii")))
        return RawResponse(status, body, headers)


def _tagged(etag: str) -> Headers:
    return (*_DOCUMENT, (b"etag", etag.encode("ascii")))


def _not_modified(etag: str) -> RawResponse:
    return RawResponse(304, b"", ((b"etag", etag.encode("ascii")), *PRIVATE))


def _says_version(wanted: WriteConditions | None) -> bool:
    """Return whether the conditions state which version to replace; `If-None-Match: *` says that there is none."""
    if wanted is None:
        return False
    return wanted.match is not None or (wanted.none_match is not None and wanted.none_match.anything)


def _deleted(_: object) -> RawResponse:
    return RawResponse(204)


async def _answered(write: Awaitable[Any], render: Callable[[Any], RawResponse]) -> RawResponse:
    """Return the response to a write, or the stored response if the write is a repetition."""
    try:
        return render(await write)
    except AnswerReplayed as again:
        return replayed(cast("StoredAnswer", again.answer))
