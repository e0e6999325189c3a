"""All routes for documents: one mount with its own dispatch, built from `access.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import asgi
from litestar.handlers import ASGIRouteHandler

from framework_m_core.domain.errors import AuthenticationError, DocTypeNotFoundError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.registry import Registry
from framework_m_standard.http.access import document_access
from framework_m_standard.http.documents.actions import Call, DocumentActions, Operation
from framework_m_standard.http.middleware.request_context import DOCUMENTS_PATH
from framework_m_standard.http.wire.asgi import Receive, RequestState, Scope, Send, request_state_of
from framework_m_standard.http.wire.error_responses import problem
from framework_m_standard.http.wire.paths import raw_path_of, reference, segment_text
from framework_m_standard.http.wire.request_errors import MethodNotAllowedError, RouteNotFoundError
from framework_m_standard.http.wire.responses import RawResponse, send_response

__all__ = ["DocumentRoutes", "document_mount"]

_PREFIX: Final = [b"", b"api", b"v1"]
_DOCTYPE, _REF, _VERB = 3, 4, 5


class Methods(NamedTuple):
    """The methods of one kind of path."""

    operations: Mapping[str, Operation]
    allow: str


class DocumentRoutes:
    """Finds what serves a path and method, and answers; errors become problem documents here."""

    def __init__(self, registry: Registry, actions: DocumentActions) -> None:
        self._registry = registry
        self._collection, self._document, self._verbs = _table(actions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
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
        operation = methods.operations.get(method)
        if operation is None:
            if method == "OPTIONS":
                return RawResponse(204, b"", ((b"allow", methods.allow.encode("ascii")),))
            raise MethodNotAllowedError(methods.allow)
        # Before the DocType is looked for: else a path that is none would tell anybody which DocTypes there are.
        ref = reference(segments[_REF]) if len(segments) > _REF else None
        plan = self._plan(segment_text(segments[_DOCTYPE]), state)
        return await operation(Call(state, plan, method, path, scope["query_string"], receive, ref))

    def _methods(self, segments: Sequence[bytes]) -> Methods:
        length = len(segments)
        if segments[:_DOCTYPE] == _PREFIX:
            if length == _REF + 1:
                return self._document
            if length == _DOCTYPE + 1:
                return self._collection
            if length == _VERB + 1 and (verb := self._verbs.get(segments[_VERB])):
                return verb
        raise RouteNotFoundError("no route has this path")

    def _plan(self, name: str, state: RequestState) -> CompiledDocType:
        plan = self._registry.doctypes.get(name)
        if plan is not None and plan.meta.has_api:
            return plan
        if state.context.principal.is_anonymous:
            raise AuthenticationError()
        raise DocTypeNotFoundError(f"there is no DocType {name[:80]!r}")


def document_mount(routes: DocumentRoutes) -> ASGIRouteHandler:
    """The mount as Litestar takes it."""

    @asgi(DOCUMENTS_PATH, is_mount=True, copy_scope=False)
    async def documents(scope: Any, receive: Any, send: Any) -> None:
        await routes(scope, receive, send)

    return documents


def _table(actions: DocumentActions) -> tuple[Methods, Methods, Mapping[bytes, Methods]]:
    """The methods of `/{doctype}`, of `/{doctype}/{id}`, and of `/{doctype}/{id}/<verb>`."""
    found: dict[tuple[str, ...], dict[str, Operation]] = {}
    for route in document_access():
        found.setdefault(route.below_document, {})[route.method] = actions.operations[route.operation]
    verbs = {segments[1].encode(): _with_head(found[segments]) for segments in found if len(segments) == 2}
    return _with_head(found[()]), _with_head(found["{id}",]), verbs


def _with_head(operations: dict[str, Operation]) -> Methods:
    if "GET" in operations:
        operations["HEAD"] = operations["GET"]
    return Methods(operations, ", ".join([*sorted(operations), "OPTIONS"]))
