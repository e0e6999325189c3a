"""Admission of WebSockets: authentication, origin check, limit per caller, and close codes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from litestar.exceptions import WebSocketException
from litestar.handlers import WebsocketRouteHandler

from framework_m_core.domain.context import ANONYMOUS, Principal
from framework_m_core.domain.errors import AuthenticationError, FrameworkError, PermissionDeniedError, RateLimitError
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials
from framework_m_standard.http.wire.asgi import ASGIApp, Message, Receive, Scope, Send
from framework_m_standard.http.wire.credentials import credentials_of
from framework_m_standard.http.wire.error_responses import status_of

__all__ = ["OriginError", "SocketAdmission", "SocketConnection", "close_code", "keep_failure", "refuse"]

_KEY: Final = "framework_m_socket"
_NORMAL, _BROKEN, _TRY_LATER = 1000, 1011, 1013
_RETRY_SECONDS: Final = 60

_log = logging.getLogger(__name__)


class OriginError(PermissionDeniedError):
    """A page of another site opens a socket with its visitor's session cookie."""

    code = "origin_not_allowed"


@dataclass(slots=True)
class SocketConnection:
    """The state of a socket, and the failure that ends it, if any."""

    credentials: Credentials | None
    principal: Principal = ANONYMOUS
    accepted: bool = False
    over: bool = False
    failure: Exception | None = None


def keep_failure(error: Exception, scope: Any) -> None:
    """Keep what a handler raised, so that its socket closes with the matching code (Litestar's `after_exception`)."""
    connection: SocketConnection | None = scope.get(_KEY)
    if connection is not None:
        connection.failure = error


def close_code(error: Exception) -> tuple[int, str]:
    """Return the close code and reason of an error: 4000 plus its HTTP status, or a standard code for 5xx."""
    if isinstance(error, WebSocketException):
        return error.code, error.detail
    status = status_of(error)
    if status == 503:
        return _TRY_LATER, "service_unavailable"
    if status >= 500:
        return _BROKEN, "internal_error"
    return 4000 + status, error.code if isinstance(error, FrameworkError) else ""


@dataclass(slots=True)
class SocketAdmission:
    """Admits sockets and serves them.

    Authentication is that of HTTP, but a session cookie needs an allowed Origin, because browsers send it from the
    pages of any site.
    """

    authentication: AuthenticationProtocol
    origins: Collection[str]
    max_per_caller: int
    _open: Counter[str] = field(default_factory=Counter)

    async def admit(self, scope: Scope, headers: Any) -> SocketConnection:
        """Authenticate a socket and return its connection.

        Raises AuthenticationError for invalid credentials and OriginError for a cookie from another site's page.
        """
        credentials = credentials_of(headers, "GET")
        connection = SocketConnection(credentials)
        if credentials is not None:
            if credentials.authorization is None:
                self._check_origin(headers)
            connection.principal = await self.authentication.authenticate(credentials) or ANONYMOUS
        scope[_KEY] = connection
        return connection

    async def serve(self, app: ASGIApp, connection: SocketConnection, scope: Scope, receive: Any, send: Any) -> None:
        """Serve an admitted socket until it ends. Raises RateLimitError if its caller has too many open."""
        caller = connection.principal.id or str((scope.get("client") or ("",))[0])
        if self._open[caller] >= self.max_per_caller:
            raise RateLimitError("too many sockets are open: close some", retry_after=_RETRY_SECONDS)
        self._open[caller] += 1
        try:
            guarded = _GuardedSocket(self.authentication, connection, scope, receive, send)
            await app(scope, guarded.receive, guarded.send)
            await guarded.close(_NORMAL, "")
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]

    def _check_origin(self, headers: Any) -> None:
        origin = headers.get(b"origin", b"").decode("latin-1")
        own = headers.get(b"host", b"").decode("latin-1")
        if origin not in self.origins and origin not in {f"http://{own}", f"https://{own}"}:
            raise OriginError("a session cookie opens sockets from the pages of this site alone", rule="origin")


async def refuse(error: Exception, send: Send) -> None:
    """Accept and close a socket: browsers report the close code to scripts only after an accept."""
    code, reason = close_code(error)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason})


class _GuardedSocket:
    """The receive and send of a socket. Each message authenticates the caller anew: no socket outlives its session."""

    def __init__(
        self,
        authentication: AuthenticationProtocol,
        connection: SocketConnection,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._authentication = authentication
        self._connection = connection
        self._scope = scope
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """Return the next message, or a disconnect if the session is over."""
        message = await self._receive()
        if message["type"] == "websocket.receive" and not await self._is_still_valid():
            return {"type": "websocket.disconnect", "code": 4401}
        if message["type"] == "websocket.disconnect":
            self._connection.over = True
        return message

    async def send(self, message: Message) -> None:
        """Send a message. Raises AuthenticationError if the session is over."""
        if message["type"] == "websocket.accept":
            self._connection.accepted = True
        elif message["type"] == "websocket.close":
            await self._end(message)
            return
        elif not await self._is_still_valid():
            raise AuthenticationError("the session has ended: log in again")
        await self._forward(message)

    async def close(self, code: int, reason: str) -> None:
        """Close the socket unless it is closed; accept it first if necessary, so that the client gets the code."""
        if self._connection.over:
            return
        if not self._connection.accepted:
            self._connection.accepted = True
            await self._forward({"type": "websocket.accept"})
        self._connection.over = True
        await self._forward({"type": "websocket.close", "code": code, "reason": reason})

    async def _end(self, message: Message) -> None:
        failure = self._connection.failure
        if not (self._connection.accepted or isinstance(self._scope.get("route_handler"), WebsocketRouteHandler)):
            self._connection.over = True  # no route has this path: refuse the handshake itself
            await self._forward({"type": "websocket.close"})
            return
        if failure is None:
            await self.close(message.get("code", _NORMAL), message.get("reason") or "")
            return
        code, reason = close_code(failure)
        if code == _BROKEN and not self._connection.over:
            _log.error("a socket failed", exc_info=failure)
        await self.close(code, reason)

    async def _is_still_valid(self) -> bool:
        connection = self._connection
        if connection.credentials is None or connection.over:
            return not connection.over
        try:
            if await self._authentication.authenticate(connection.credentials) == connection.principal:
                return True
        except AuthenticationError:
            """Reported by the close code below."""
        await self.close(4401, "unauthenticated")
        return False

    async def _forward(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:  # the client is gone
            self._connection.over = True
            raise
