"""Handlers of the document routes: from request to service call, and from result to response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import (
    EntityNotFoundError,
    PreconditionRequiredError,
    ValidationError,
    combine_errors,
    gather_errors,
)
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.merging import read_expected_version
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.writing.drafts import NO_VERSION
from framework_m_core.services.documents.writing.runner import Fresh, IdempotentWrite
from framework_m_core.services.documents.writing.write import (
    AMEND,
    CANCEL,
    CREATE,
    DELETE,
    DUPLICATE,
    PURGE,
    RENAME,
    RESTORE,
    SUBMIT,
    UPDATE,
)
from framework_m_core.services.documents.writing.write import Operation as WriteOperation
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rows.projection import Served
from framework_m_standard.http.documents.form_body import parse_form
from framework_m_standard.http.documents.idempotency_keys import HEADER, make_idempotent, replay
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.query_parameters import (
    parse_document_request,
    parse_flag,
    parse_list_request,
    parse_query,
)
from framework_m_standard.http.documents.search_body import parse_search_body
from framework_m_standard.http.wire.asgi import Receive, RequestState
from framework_m_standard.http.wire.body_codec import decode_object, read_body
from framework_m_standard.http.wire.etags import (
    WriteConditions,
    compute_content_etag,
    compute_document_etag,
    find_current_etag,
    write_conditions,
)
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
    refused: list[ValidationError] = field(default_factory=list)
    """What is wrong with the query and the headers of a write, told with what is wrong with its body."""

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
            document = await self._queries.get(
                context, name, call.ref, fields=asked.fields, expand=asked.expand, titles=asked.titles
            )
        else:
            document = await self._queries.get(context, name, call.ref)
        body = b"" if document.fingerprint else self._encode(call.state.context.registry, call.plan, document)
        etag = compute_document_etag(document, body)
        if known := find_current_etag(call.state.headers, etag):
            return _not_modified(known)
        return RawResponse(
            200, body or self._encode(call.state.context.registry, call.plan, document), _with_etag(etag)
        )

    async def list(self, call: Call) -> RawResponse:
        """Return a page of documents, or 304 if the client has it already."""
        await self._require(call)
        page = await self._queries.list(call.state.context, call.plan.name, parse_list_request(call.query))
        body = self._encode(call.state.context.registry, call.plan, page)
        etag = compute_content_etag(body)
        known = find_current_etag(call.state.headers, etag)
        return _not_modified(known) if known else RawResponse(200, body, _with_etag(etag))

    async def search(self, call: Call) -> RawResponse:
        """Return a page of documents; the parameters of the list stand in the body."""
        values = decode_object(call.state.headers, await self._body(call), optional=True)
        asked = ListRequest()
        with gather_errors(call.refused):
            asked = parse_search_body(values)
        if call.refused:
            raise combine_errors(call.refused)
        page = await self._queries.list(call.state.context, call.plan.name, asked)
        body = self._encode(call.state.context.registry, call.plan, page)
        return RawResponse(200, body, _DOCUMENT)

    async def duplicate(self, call: Call) -> RawResponse:
        """Create a copy of a document; what the body holds takes the place of its fields."""
        return await self.create(call, DUPLICATE)

    async def compute(self, call: Call) -> RawResponse:
        """Return what a form would hold if it was stored now."""
        values = decode_object(call.state.headers, await self._body(call))
        with gather_errors(call.refused):
            form = parse_form(values)
        if call.refused:
            raise combine_errors(call.refused)
        data = await self._documents.previews.compute(call.state.context, call.plan, form.data, form.ref)
        answer = {"data": data} if form.seq is None else {"data": data, "seq": form.seq}
        return RawResponse(200, self._encode(call.state.context.registry, call.plan, answer), _DOCUMENT)

    async def create(self, call: Call, operation: WriteOperation = CREATE) -> RawResponse:
        """Create a document."""
        body = await self._body(call)
        values = decode_object(call.state.headers, body, optional=operation is DUPLICATE)
        render = partial(self._written, call, 201)
        idempotent = self._idempotent(call, body, render)
        context, name = call.state.context, call.plan.name
        written = await self._documents.write(
            context, name, operation, call.ref, values, idempotent=idempotent, refused=call.refused
        )
        return _to_response(written, render)

    async def replace(self, call: Call) -> RawResponse:
        """Merge fields into a document of a stated version."""
        return await self._update(call, needs_version=True)

    async def update(self, call: Call) -> RawResponse:
        """Merge fields into a document."""
        return await self._update(call, needs_version=False)

    async def rename(self, call: Call) -> RawResponse:
        """Give a document another name."""
        body = await self._body(call)
        values = decode_object(call.state.headers, body)
        return await self._change(call, RENAME, values, write_conditions(call.state.headers), body)

    async def submit(self, call: Call) -> RawResponse:
        """Submit a draft."""
        return await self._transition(SUBMIT, call)

    async def cancel(self, call: Call) -> RawResponse:
        """Cancel a submitted document."""
        return await self._transition(CANCEL, call)

    async def amend(self, call: Call) -> RawResponse:
        """Create a draft in place of a cancelled document; what the body holds takes the place of its fields."""
        return await self._transition(AMEND, call, 201)

    async def restore(self, call: Call) -> RawResponse:
        """Restore a deleted document."""
        return await self._transition(RESTORE, call)

    async def delete(self, call: Call) -> RawResponse:
        """Delete a document, permanently with `?hard=true`."""
        await self._require(call)
        hard = False
        with gather_errors(call.refused):
            hard = parse_flag(parse_query(call.query, ("hard",)), "hard")
        wanted = write_conditions(call.state.headers)
        idempotent = self._idempotent(call, b"", _deleted)
        ref, version = await self._expected(call, wanted)
        context, name, operation = call.state.context, call.plan.name, PURGE if hard else DELETE
        written = await self._documents.write(
            context, name, operation, ref, if_match=version, idempotent=idempotent, refused=call.refused
        )
        return _to_response(written, _deleted)

    async def _update(self, call: Call, *, needs_version: bool) -> RawResponse:
        body = await self._body(call)
        values = decode_object(call.state.headers, body)
        wanted = write_conditions(call.state.headers)
        if needs_version and values.get(VERSION_FIELD) is None and not _says_version(wanted):
            raise PreconditionRequiredError("PUT needs the version that it replaces: send _version or If-Match")
        return await self._change(call, UPDATE, values, wanted, body)

    async def _transition(self, operation: WriteOperation, call: Call, status: int = 200) -> RawResponse:
        body = await self._body(call)
        values = decode_object(call.state.headers, body, optional=True)
        wanted = write_conditions(call.state.headers)
        return await self._change(call, operation, values, wanted, body, status)

    async def _change(
        self,
        call: Call,
        operation: WriteOperation,
        values: dict[str, Any],
        wanted: WriteConditions | None,
        body: bytes,
        status: int = 200,
    ) -> RawResponse:
        if wanted is not None and wanted.match is not None:
            with gather_errors(call.refused):
                read_expected_version(values)
            values.pop(VERSION_FIELD, None)
        render = partial(self._written, call, status)
        idempotent = self._idempotent(call, body, render)
        ref, version = await self._expected(call, wanted)
        if version != NO_VERSION and values.get(VERSION_FIELD) is not None:
            version = None  # the body states a version, which the service checks
        context, name = call.state.context, call.plan.name
        written = await self._documents.write(
            context, name, operation, ref, values, if_match=version, idempotent=idempotent, refused=call.refused
        )
        return _to_response(written, render)

    async def _body(self, call: Call) -> bytes:
        """Read the body of a write, after checking the permission; any query parameter is to be refused."""
        await self._require(call)
        if call.query:
            with gather_errors(call.refused):
                parse_query(call.query)
        return await read_body(call.state.headers, call.receive, call.operation.body_limit or self._body_limit)

    async def _require(self, call: Call) -> None:
        permissions, context, operation = self._queries.permissions, call.state.context, call.operation
        for sufficient in (operation.action, operation.other_action, operation.lesser_action):
            if sufficient and await permissions.find(context, call.plan, sufficient) is not None:
                return
        await permissions.require_grant(context, call.plan, operation.action)

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

    def _idempotent(self, call: Call, body: bytes, render: Callable[[Any], RawResponse]) -> IdempotentWrite | None:
        if HEADER not in call.state.headers:
            return None
        with gather_errors(call.refused):
            return make_idempotent(call.state, call.plan, call.operation.method, call.target, body, render)
        return None

    def _written(self, call: Call, status: int, document: Served) -> RawResponse:
        body = self._encode(call.state.context.registry, call.plan, document)
        headers = _with_etag(compute_document_etag(document, body))
        if status == 201:
            location = f"/api/v1/{call.plan.name}/{document['id']}"
            headers = (*headers, (b"location", location.encode("ascii")))
        return RawResponse(status, body, headers)


def _with_etag(etag: str) -> Headers:
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


def _to_response(result: StoredResponse | Fresh, render: Callable[[Any], RawResponse]) -> RawResponse:
    """Return the response to a write, or the stored response if the write is a repetition."""
    return render(result.document) if isinstance(result, Fresh) else replay(result)
