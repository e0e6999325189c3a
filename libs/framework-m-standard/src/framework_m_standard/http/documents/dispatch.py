"""The document routes: one mount with its own dispatch, built from the table of operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import asgi
from litestar.handlers import ASGIRouteHandler

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.errors import AuthenticationError, DocTypeNotFoundError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_standard.http.documents.actions import Call, DocumentActions
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operation_table import list_document_operations
from framework_m_standard.http.middleware.request_context import DOCUMENTS_PATH
from framework_m_standard.http.wire.asgi import Receive, RequestState, Scope, Send, request_state_of
from framework_m_standard.http.wire.compression import MIN_BYTES, VARY, Compressor
from framework_m_standard.http.wire.error_responses import to_problem
from framework_m_standard.http.wire.paths import decode_reference, decode_segment, raw_path_of
from framework_m_standard.http.wire.request_errors import MethodNotAllowedError, RouteNotFoundError
from framework_m_standard.http.wire.responses import RawResponse, send_response

__all__ = ["DocumentRoutes", "mount_documents"]

_PREFIX: Final = [b"", b"api", b"v1"]
_DOCTYPE, _REF, _WORD = 3, 4, 5


class _DispatchEntry(NamedTuple):
    """An operation, whether its path names a document, and its variants by query."""

    operation: Operation
    names_document: bool
    variants: Mapping[bytes, Operation]


class _Methods(NamedTuple):
    """The operations of one kind of path by method, and the value of its `Allow` header."""

    operations: Mapping[str, _DispatchEntry]
    allow: str


class _DispatchTable(NamedTuple):
    """The operations below `/api/v1` by kind of path; words are looked up as they appear in the raw path."""

    collection: _Methods
    document: _Methods
    collection_words: Mapping[bytes, _Methods]
    document_words: Mapping[bytes, _Methods]


class DocumentRoutes:
    """The ASGI app of the document routes: dispatches by path and method, and renders errors as problem documents."""

    def __init__(self, actions: DocumentActions, compressor: Compressor) -> None:
        self._actions = actions
        self._compressor = compressor
        self._table = _compile(list_document_operations())
        self._uncompressed: Derived[RegistryView, frozenset[str]] = Derived(_uncompressed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        state = request_state_of(scope)
        try:
            response = await self._respond(scope, receive, state)
        except Exception as error:
            response = to_problem(error, state.context.request_id)
        await send_response(send, response, head=scope["method"] == "HEAD")

    async def _respond(self, scope: Scope, receive: Receive, state: RequestState) -> RawResponse:
        path, method = raw_path_of(scope), scope["method"]
        segments = path.split(b"/")
        methods = self._methods(segments)
        served = methods.operations.get(method)
        if served is None:
            if method == "OPTIONS":
                return RawResponse(204, b"", ((b"allow", methods.allow.encode("ascii")),))
            raise MethodNotAllowedError(methods.allow)
        operation, names_document, variants = served
        query = scope["query_string"]
        if variants and query:
            operation = variants.get(query, operation)
        # Parsed before the DocType is looked up: otherwise an invalid path would reveal which DocTypes exist.
        ref = decode_reference(segments[_REF]) if names_document else None
        plan = _plan(decode_segment(segments[_DOCTYPE]), state)
        response = await operation.handler(self._actions, Call(state, plan, operation, path, query, receive, ref))
        if len(response.body) < MIN_BYTES and response.status != 304:
            return response
        if plan.name in self._uncompressed.of(state.context.registry):
            return response
        state.vary = VARY
        return await self._compressor.compress(response, state.headers.get(b"accept-encoding"))

    def _methods(self, segments: Sequence[bytes]) -> _Methods:
        length, table = len(segments), self._table
        if segments[:_DOCTYPE] == _PREFIX:
            if length == _REF + 1:
                return table.collection_words.get(segments[_REF]) or table.document
            if length == _DOCTYPE + 1:
                return table.collection
            if length == _WORD + 1 and (methods := table.document_words.get(segments[_WORD])):
                return methods
        raise RouteNotFoundError("no route has this path")


def _plan(name: str, state: RequestState) -> CompiledDocType:
    plan: CompiledDocType | None = state.context.registry.doctypes.get(name)
    if plan is not None and plan.meta.has_api:
        return plan
    if state.context.principal.is_anonymous:
        raise AuthenticationError()
    raise DocTypeNotFoundError(f"there is no DocType {name[:80]!r}", doctype=name)


def _uncompressed(registry: RegistryView) -> frozenset[str]:
    """Return the DocTypes with sensitive fields, in their documents or those that `expand` puts into them.

    What is fetched from a sensitive field is sensitive, too, or stops the start.
    The length of a compressed response would tell whether a secret resembles a text beside it (BREACH).
    """
    own = {
        plan.name
        for plan in registry.doctypes.values()
        if plan.sensitive or any(child.sensitive for child in plan.children.values())
    }
    return frozenset(
        own.union(plan.name for plan in registry.doctypes.values() if own.intersection(plan.links.values()))
    )


def mount_documents(routes: DocumentRoutes) -> ASGIRouteHandler:
    """Return the Litestar mount of the document routes."""

    @asgi(DOCUMENTS_PATH, is_mount=True, copy_scope=False)
    async def documents(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":  # a mount receives everything that no other route matches
            await send({"type": "websocket.close"})
        else:
            await routes(scope, receive, send)

    return documents


def _compile(operations: Sequence[Operation]) -> _DispatchTable:
    """Return the dispatch table; on `/{doctype}/<word>`, methods that the word does not define act on a document."""
    variants: dict[tuple[str, str], dict[bytes, Operation]] = {}
    for one in operations:
        if one.variant:
            variants.setdefault((one.method, one.path), {})[one.variant.encode()] = one
    found: dict[tuple[bool, str], dict[str, _DispatchEntry]] = {}
    for one in operations:
        if not one.variant:
            served = _DispatchEntry(one, one.names_document, variants.get((one.method, one.path), {}))
            found.setdefault((one.names_document, one.word), {})[one.method] = served
    document = found[True, ""]
    return _DispatchTable(
        collection=_methods(found[False, ""]),
        document=_methods(document),
        collection_words={
            word.encode(): _methods({**document, **own}) for (on_one, word), own in found.items() if word and not on_one
        },
        document_words={word.encode(): _methods(own) for (on_one, word), own in found.items() if word and on_one},
    )


def _methods(served: dict[str, _DispatchEntry]) -> _Methods:
    with_head = {**served, "HEAD": served["GET"]} if "GET" in served else served
    return _Methods(with_head, ", ".join([*sorted(with_head), "OPTIONS"]))
