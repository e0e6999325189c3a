"""The outermost ASGI layer: request id, log context, authentication, and headers of every response."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import Final
from uuid import UUID

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import ANONYMOUS, HTTP, SOCKET, Principal
from framework_m_core.domain.errors import FrameworkError
from framework_m_core.domain.log_context import LOG_CONTEXT, LogContext, bind_log_context
from framework_m_core.interfaces.authentication import AuthenticationProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.http.middleware.sockets import SocketAdmission, refuse
from framework_m_standard.http.routes.access import list_unguarded_paths
from framework_m_standard.http.wire.asgi import ASGIApp, Message, Receive, RequestState, Scope, Send, keep_request_state
from framework_m_standard.http.wire.bytes_in_flight import BufferedBody
from framework_m_standard.http.wire.credentials import build_credentials_error, credentials_of, join_headers
from framework_m_standard.http.wire.error_responses import to_problem
from framework_m_standard.http.wire.paths import decode_path, raw_path_of
from framework_m_standard.http.wire.request_errors import MalformedRequestError
from framework_m_standard.http.wire.responses import send_response
from framework_m_standard.http.wire.unread_body import ReadBeforeClose, closes_after

__all__ = ["DOCUMENTS_PATH", "REFUSED_PATH", "RequestContextMiddleware"]

DOCUMENTS_PATH: Final = "/api/v1"
REFUSED_PATH: Final = "/-/refused"
"""The path to which refused requests are routed, so that their responses pass the same layers as all others."""

_API: Final = b"/api/"
_DOCTYPES: Final = b"/api/v1/"
_REQUEST_ID: Final = re.compile(rb"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(?:\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
"""RFC 9112, 3.2. Repeated headers are joined by a blank, which is invalid."""

_HOST_ERROR: Final = MalformedRequestError("expected one Host header with a valid host, such as 'Host: shop.example'")

_SMALL_DIGITS: Final = 4
"""Bodies of less than 10,000 bytes arrive at once and need no count."""

_KEPT_OPEN: Final = (None, b"keep-alive")
_NO_SNIFF: Final = (b"x-content-type-options", b"nosniff")
_VARY: Final = b"authorization, cookie, x-api-key, origin"
"""Every response depends on its caller, errors and 304 included: caches select stored responses by these headers."""


class RequestContextMiddleware:
    """The middleware around the app. Invalid credentials are refused on every route that reads them.

    `documents` serves document paths directly, bypassing the app and its router; it is None if something that the app
    wraps around all routes, such as CORS, must see them too.
    """

    def __init__(
        self,
        app: ASGIApp,
        authentication: AuthenticationProtocol,
        registry_handle: RegistryHandle,
        clock: Clock,
        sockets: SocketAdmission,
        documents: ASGIApp | None = None,
    ) -> None:
        self._app = app
        self._documents = documents
        self._authentication = authentication
        self._registry_handle = registry_handle
        self._clock = clock
        self._sockets = sockets
        self._unguarded = list_unguarded_paths()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await (self._socket if scope["type"] == "websocket" else self._app)(scope, receive, send)
            return
        headers = join_headers(scope["headers"])
        identifier, id_header = _request_id(headers)
        state: RequestState | None = None
        if headers.get(b"connection") not in _KEPT_OPEN and closes_after(headers):
            body = ReadBeforeClose(receive, send)
            receive, send = body.receive, body.send
        buffered: BufferedBody | None = None
        if len(headers.get(b"content-length", b"")) > _SMALL_DIGITS or b"transfer-encoding" in headers:
            receive = buffered = BufferedBody(scope, receive)

        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_with_vary(message["headers"], state), id_header, _NO_SNIFF]
            elif message.get("more_body"):
                await asyncio.sleep(0)  # lets a stream notice that its client is gone
            await send(message)

        if _HOST.fullmatch(headers.get(b"host", b" ")) is None and scope["http_version"] != "1.0":
            await send_response(identified, to_problem(_HOST_ERROR, identifier), head=scope["method"] == "HEAD")
            return
        raw = raw_path_of(scope)
        _route(scope, raw)
        log_context = LogContext(HTTP, identifier, correlation_id=identifier)
        token = LOG_CONTEXT.set(log_context)
        try:
            state = await self._state(scope, raw, headers, identifier)
            log_context.user_id, log_context.tenant = state.context.principal.id, state.context.tenant
            keep_request_state(scope, state)
            serve = self._documents if self._documents and scope["path"] == DOCUMENTS_PATH else self._app
            await serve(scope, receive, identified)
        finally:
            LOG_CONTEXT.reset(token)
            if buffered is not None:
                buffered.release()

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket."""
        headers = join_headers(scope["headers"])
        identifier, id_header = _request_id(headers)

        async def identified(message: Message) -> None:
            if message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), id_header]
            await send(message)

        _route(scope, raw_path_of(scope))
        if scope["path"] in {DOCUMENTS_PATH, REFUSED_PATH}:
            await send({"type": "websocket.close"})
            return
        with bind_log_context(LogContext(SOCKET, identifier, correlation_id=identifier)) as log_context:
            try:
                connection = await self._sockets.admit(scope, headers)
                context = self._registry_handle.make_context(
                    connection.principal, source=SOCKET, clock=self._clock, request_id=identifier
                )
                log_context.user_id, log_context.tenant = context.principal.id, context.tenant
                keep_request_state(scope, RequestState(headers, context))
                await self._sockets.serve(self._app, connection, scope, receive, identified)
            except FrameworkError as error:
                await refuse(error, identified)

    async def _state(self, scope: Scope, raw: bytes, headers: Mapping[bytes, bytes], identifier: UUID) -> RequestState:
        principal: Principal = ANONYMOUS
        authentication_error: Exception | None = None
        if raw not in self._unguarded:
            try:
                credentials = credentials_of(headers, scope["method"])
                if credentials is not None:
                    principal = await self._authentication.authenticate(credentials) or ANONYMOUS
            except Exception as error:
                authentication_error = build_credentials_error(error, headers)
                scope["path"] = REFUSED_PATH
        context = self._registry_handle.make_context(principal, source=HTTP, clock=self._clock, request_id=identifier)
        return RequestState(headers, context, authentication_error)


def _with_vary(headers: Sequence[tuple[bytes, bytes]], state: RequestState | None) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers with a single `Vary`: ours, then what else the response depends on."""
    more = state.vary if state else b""
    own = [value for name, value in headers if name.lower() == b"vary"]
    if not own and not more:
        return [*headers, (b"vary", _VARY)]
    others = [header for header in headers if header[0].lower() != b"vary"]
    names = [name.strip().lower() for name in b",".join([_VARY, *own, more]).split(b",")]
    return [*others, (b"vary", b", ".join(filter(None, dict.fromkeys(names))))]


def _request_id(headers: Mapping[bytes, bytes]) -> tuple[UUID, tuple[bytes, bytes]]:
    """Return the request id, and the header that echoes it as sent."""
    given = headers.get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return UUID(given.decode("ascii")), (b"x-request-id", given)
    made = UUID(int=getrandbits(128), version=4)
    return made, (b"x-request-id", str(made).encode("ascii"))


def _route(scope: Scope, raw: bytes) -> None:
    """Set the path that Litestar routes by.

    All documents share one, because Litestar caches each path that it has routed, and ids would evict the others.
    Paths with an empty segment are refused, because Litestar would drop the segment.
    """
    if raw.startswith(_DOCTYPES) and raw[8:9].isupper():
        scope["path"] = DOCUMENTS_PATH
    elif b"//" in raw or (raw.startswith(_API) and raw.endswith(b"/")):
        scope["path"] = REFUSED_PATH
    elif b"%" in raw:
        scope["path"] = decode_path(raw)
