"""WebSockets at the entrance: who is calling, from which page, how many at once, and how they end."""

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

__all__ = ["OriginError", "SocketConnection", "SocketEntrance", "close_code", "keep_failure", "refuse"]

_KEY: Final = "framework_m_socket"
_NORMAL, _BROKEN, _TRY_LATER = 1000, 1011, 1013
_RETRY_SECONDS: Final = 60

_log = logging.getLogger(__name__)


class OriginError(PermissionDeniedError):
    """A page of another site opens a socket with the session cookie of its visitor."""

    code = "origin_not_allowed"


@dataclass(slots=True)
class SocketConnection:
    """One socket: its state, and why it ends if something failed."""

    credentials: Credentials | None
    principal: Principal = ANONYMOUS
    accepted: bool = False
    over: bool = False
    failure: Exception | None = None


def keep_failure(error: Exception, scope: Any) -> None:
    """Note what a handler raised: its socket closes with the code of it (Litestar's hook `after_exception`)."""
    connection: SocketConnection | None = scope.get(_KEY)
    if connection is not None:
        connection.failure = error


def close_code(error: Exception) -> tuple[int, str]:
    """Return the code and the reason with which a socket closes: 4000 and the status, or a standard code for 5xx."""
    if isinstance(error, WebSocketException):
        return error.code, error.detail
    status = status_of(error)
    if status == 503:
        return _TRY_LATER, "service_unavailable"
    if status >= 500:
        return _BROKEN, "internal_error"
    return 4000 + status, error.code if isinstance(error, FrameworkError) else ""


@dataclass(slots=True)
class SocketEntrance:
    """Authenticates as HTTP does. A cookie, which browsers add whoever opens the socket, needs an allowed Origin."""

    authentication: AuthenticationProtocol
    origins: Collection[str]
    most_per_caller: int
    _open: Counter[str] = field(default_factory=Counter)

    async def admit(self, scope: Scope, headers: Any) -> SocketConnection:
        """Return the connection, with who opens it. Raises what refuses it."""
        credentials = credentials_of(headers, "GET")
        connection = SocketConnection(credentials)
        if credentials is not None:
            if credentials.authorization is None:
                self._check_origin(headers)
            connection.principal = await self.authentication.authenticate(credentials) or ANONYMOUS
        scope[_KEY] = connection
        return connection

    async def serve(self, app: ASGIApp, connection: SocketConnection, scope: Scope, receive: Any, send: Any) -> None:
        """Serve an admitted socket to its end."""
        caller = connection.principal.id or str((scope.get("client") or ("",))[0])
        if self._open[caller] >= self.most_per_caller:
            raise RateLimitError("too many sockets are open: close some", retry_after=_RETRY_SECONDS)
        self._open[caller] += 1
        try:
            guarded = _Guarded(self.authentication, connection, scope, receive, send)
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
    """Accept and close: only so does a browser tell its script the code."""
    code, reason = close_code(error)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason})


class _Guarded:
    """The two ends of a socket. With every message its caller is verified anew, so that no session outlives itself."""

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
        """Return the next message, or the end."""
        message = await self._receive()
        if message["type"] == "websocket.receive" and not await self._is_still_valid():
            return {"type": "websocket.disconnect", "code": 4401}
        if message["type"] == "websocket.disconnect":
            self._connection.over = True
        return message

    async def send(self, message: Message) -> None:
        """Send a message. Raises AuthenticationError when the session is over."""
        if message["type"] == "websocket.accept":
            self._connection.accepted = True
        elif message["type"] == "websocket.close":
            await self._end(message)
            return
        elif not await self._is_still_valid():
            raise AuthenticationError("the session is over: log in again")
        await self._pass_on(message)

    async def close(self, code: int, reason: str) -> None:
        """Close the socket, unless it is closed. One that was never accepted is, so that the code arrives."""
        if self._connection.over:
            return
        if not self._connection.accepted:
            self._connection.accepted = True
            await self._pass_on({"type": "websocket.accept"})
        self._connection.over = True
        await self._pass_on({"type": "websocket.close", "code": code, "reason": reason})

    async def _end(self, message: Message) -> None:
        failure = self._connection.failure
        if not (self._connection.accepted or isinstance(self._scope.get("route_handler"), WebsocketRouteHandler)):
            self._connection.over = True  # no route has this path: the handshake itself is refused
            await self._pass_on({"type": "websocket.close"})
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
            """Said by the code below."""
        await self.close(4401, "unauthenticated")
        return False

    async def _pass_on(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:  # the client is gone
            self._connection.over = True
            raise
