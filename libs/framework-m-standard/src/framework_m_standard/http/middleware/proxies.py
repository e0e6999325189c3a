"""Requests that come through a proxy: the client's address and scheme, and the prefix that it reaches the app by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from framework_m_standard.http.wire.asgi import ASGIApp, Message, Receive, Scope, Send, root_path_of, set_root_path

__all__ = ["OWN_SEGMENTS", "ProxyMiddleware", "is_prefix"]

OWN_SEGMENTS: Final = frozenset({"api", "app", "health", "metrics", "ready", "schema", "studio"})
"""First segments of the server's own paths: a prefix that began with one could not be told from them."""

_PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+){1,8}", re.ASCII)
_MAX_CHARACTERS: Final = 200
_PEER: Final = "framework_m_peer"


def is_prefix(path: str) -> bool:
    """Return whether an app may be reached under this prefix."""
    if len(path) > _MAX_CHARACTERS or _PREFIX.fullmatch(path) is None:
        return False
    return path.split("/")[1] not in OWN_SEGMENTS


class ProxyMiddleware:
    """The layer around the app that believes trusted proxies: `X-Forwarded-For`, `-Proto` and `-Prefix`.

    The client is the right-most address that is not a trusted proxy's. `Location` gets the prefix. A configured prefix
    is also stripped from the path; a forwarded one is not, because a proxy that passes on what its clients send would
    let them choose what is stripped.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], root_path: str) -> None:
        self._app = app
        self._root_path = root_path
        self._forwarded = ProxyHeadersMiddleware(self._serve_prefixed, list(trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in {"http", "websocket"}:
            scope[_PEER] = scope.get("client")
            set_root_path(scope, self._prefix_of(scope))
        forwarded: Any = self._forwarded
        await forwarded(scope, receive, send)

    def _prefix_of(self, scope: Scope) -> str:
        """Return the configured prefix, else the one that a trusted proxy states."""
        client = scope.get("client")
        if self._root_path or client is None or client[0] not in self._forwarded.trusted_hosts:
            return self._root_path
        stated = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
        prefix: str = stated[-1].decode("latin-1").rstrip("/") if stated else ""
        return prefix if is_prefix(prefix) else ""

    async def _serve_prefixed(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get(_PEER) and not _is_address(scope["client"][0]):
            scope["client"] = scope[_PEER]
        prefix = root_path_of(scope)
        if not prefix:
            await self._app(scope, receive, send)
            return
        if self._root_path:
            _strip(scope, prefix)

        async def located(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [_add_prefix(name, value, prefix) for name, value in message["headers"]]
            await send(message)

        await self._app(scope, receive, located)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _strip(scope: Scope, prefix: str) -> None:
    """Remove the prefix from the path; a proxy may have removed it already."""
    raw = prefix.encode("ascii")
    path: str = scope["path"]
    if path == prefix or path.startswith(f"{prefix}/"):
        scope["path"] = path[len(prefix) :] or "/"
    sent: bytes | None = scope.get("raw_path")
    if sent is not None and (sent == raw or sent.startswith(raw + b"/")):
        scope["raw_path"] = sent[len(raw) :] or b"/"


def _add_prefix(name: bytes, value: bytes, prefix: str) -> tuple[bytes, bytes]:
    if name.lower() != b"location" or not value.startswith(b"/") or value.startswith(b"//"):
        return name, value
    return name, prefix.encode("ascii") + value
