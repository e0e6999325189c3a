"""ASGI types, and the request state that the outermost layer keeps for the layers inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from framework_m_core.domain.context import HTTP, RequestContext
from framework_m_core.domain.log_context import LogContext

__all__ = [
    "ASGIApp",
    "Message",
    "Receive",
    "RequestState",
    "Scope",
    "Send",
    "keep_request_state",
    "log_context_of",
    "request_state_of",
    "root_path_of",
    "set_root_path",
]

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

_KEY = "framework_m"


@dataclass(slots=True)
class RequestState:
    """A request's headers by lower-case name, its context, and the error that refuses it, if any.

    `vary` names other headers that the response depends on; set here because CORS would replace a `Vary` header.
    """

    headers: Mapping[bytes, bytes]
    context: RequestContext
    authentication_error: Exception | None = None
    vary: bytes = b""


def keep_request_state(scope: Scope, state: RequestState) -> None:
    """Store the state of a request for `request_state_of`."""
    scope[_KEY] = state


def request_state_of(scope: Any) -> RequestState:
    """Return the state of a request."""
    state: RequestState = scope[_KEY]
    return state


def set_root_path(scope: Scope, path: str) -> None:
    """Set the prefix under which clients reach the app.

    Not in `root_path`: Litestar would cut each path at the first place where it occurs.
    """
    scope["app_root_path"] = path


def root_path_of(scope: Any) -> str:
    """Return the prefix under which the client reaches the app, empty for none."""
    path: str = scope.get("app_root_path", "")
    return path


def log_context_of(scope: Any) -> LogContext:
    """Return the log context of a request, for layers outside of `RequestContextMiddleware`."""
    if _KEY not in scope:
        return LogContext(HTTP)
    context = request_state_of(scope).context
    return LogContext(context.source, context.request_id, context.principal.id, context.tenant, context.request_id)
