"""The document routes: one mount with its own dispatch, built from the table of operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import asgi
from litestar.handlers import ASGIRouteHandler

from framework_m_core.domain.errors import AuthenticationError, DocTypeNotFoundError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.http.documents.actions import Call, DocumentActions
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operations import document_operations
from framework_m_standard.http.middleware.request_context import DOCUMENTS_PATH
from framework_m_standard.http.wire.asgi import Receive, RequestState, Scope, Send, request_state_of
from framework_m_standard.http.wire.error_responses import problem
from framework_m_standard.http.wire.paths import raw_path_of, reference, segment_text
from framework_m_standard.http.wire.request_errors import MethodNotAllowedError, RouteNotFoundError
from framework_m_standard.http.wire.responses import RawResponse, send_response

__all__ = ["DocumentRoutes", "document_mount"]

_PREFIX: Final = [b"", b"api", b"v1"]
_DOCTYPE, _REF, _WORD = 3, 4, 5


class Served(NamedTuple):
    """An operation, whether its path names a document, and its variants by query."""

    operation: Operation
    names_document: bool
    variants: Mapping[bytes, Operation]


class Methods(NamedTuple):
    """The operations of one kind of path by method, and the value of its `Allow` header."""

    operations: Mapping[str, Served]
    allow: str


class DispatchTable(NamedTuple):
    """The operations below `/api/v1` by kind of path; words are looked up as they appear in the raw path."""

    collection: Methods
    document: Methods
    collection_words: Mapping[bytes, Methods]
    document_words: Mapping[bytes, Methods]


class DocumentRoutes:
    """The ASGI app of the document routes: dispatches by path and method, and renders errors as problem documents."""

    def __init__(self, actions: DocumentActions) -> None:
        self._actions = actions
        self._table = _compile(document_operations())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        state = request_state_of(scope)
        try:
            answer = await self._answer(scope, receive, state)
        except Exception as error:
            answer = problem(error, state.context.request_id)
        await send_response(send, answer, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, state: RequestState) -> RawResponse:
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
        ref = reference(segments[_REF]) if names_document else None
        plan = _plan(segment_text(segments[_DOCTYPE]), state)
        return await operation.handler(self._actions, Call(state, plan, operation, path, query, receive, ref))

    def _methods(self, segments: Sequence[bytes]) -> Methods:
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
    raise DocTypeNotFoundError(f"there is no DocType {name[:80]!r}")


def document_mount(routes: DocumentRoutes) -> ASGIRouteHandler:
    """Return the Litestar mount of the document routes."""

    @asgi(DOCUMENTS_PATH, is_mount=True, copy_scope=False)
    async def documents(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":  # a mount receives everything that no other route matches
            await send({"type": "websocket.close"})
        else:
            await routes(scope, receive, send)

    return documents


def _compile(operations: Sequence[Operation]) -> DispatchTable:
    """Return the dispatch table; on `/{doctype}/<word>`, methods that the word does not define act on a document."""
    variants: dict[tuple[str, str], dict[bytes, Operation]] = {}
    for one in operations:
        if one.variant:
            variants.setdefault((one.method, one.path), {})[one.variant.encode()] = one
    found: dict[tuple[bool, str], dict[str, Served]] = {}
    for one in operations:
        if not one.variant:
            served = Served(one, one.names_document, variants.get((one.method, one.path), {}))
            found.setdefault((one.names_document, one.word), {})[one.method] = served
    document = found[True, ""]
    return DispatchTable(
        collection=_methods(found[False, ""]),
        document=_methods(document),
        collection_words={
            word.encode(): _methods({**document, **own}) for (on_one, word), own in found.items() if word and not on_one
        },
        document_words={word.encode(): _methods(own) for (on_one, word), own in found.items() if word and on_one},
    )


def _methods(served: dict[str, Served]) -> Methods:
    with_head = {**served, "HEAD": served["GET"]} if "GET" in served else served
    return Methods(with_head, ", ".join([*sorted(with_head), "OPTIONS"]))
