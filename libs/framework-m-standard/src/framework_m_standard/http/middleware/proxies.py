"""Requests that come through a proxy: the client's address and scheme, and the prefix that it reaches the app by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from framework_m_standard.http.wire.asgi import ASGIApp, Message, Receive, Scope, Send, root_path_of, set_root_path

__all__ = ["PREFIX_PATTERN", "ProxyMiddleware"]

PREFIX_PATTERN: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+){1,8}", re.ASCII)
_MOST_CHARACTERS: Final = 200


class ProxyMiddleware:
    """The layer around the app that believes trusted proxies: `X-Forwarded-For`, `-Proto` and `-Prefix`.

    The client is the right-most address that is not a trusted proxy's. The prefix, stated or forwarded, is put before
    the paths of `Location`, and stripped from the path where the proxy passes it on.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], root_path: str) -> None:
        self._app = app
        self._root_path = root_path
        self._forwarded = ProxyHeadersMiddleware(self._prefixed, list(trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in {"http", "websocket"}:
            set_root_path(scope, self._prefix_of(scope))
        forwarded: Any = self._forwarded
        await forwarded(scope, receive, send)

    def _prefix_of(self, scope: Scope) -> str:
        """Return the prefix that a trusted proxy states, else the configured one."""
        client = scope.get("client")
        if client is None or client[0] not in self._forwarded.trusted_hosts:
            return self._root_path
        for name, value in scope["headers"]:
            if name == b"x-forwarded-prefix":
                prefix: str = value.decode("latin-1").rstrip("/")
                if len(prefix) <= _MOST_CHARACTERS and PREFIX_PATTERN.fullmatch(prefix):
                    return prefix
        return self._root_path

    async def _prefixed(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = root_path_of(scope)
        if not prefix:
            await self._app(scope, receive, send)
            return
        _strip(scope, prefix)

        async def located(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [_located(name, value, prefix) for name, value in message["headers"]]
            await send(message)

        await self._app(scope, receive, located)


def _strip(scope: Scope, prefix: str) -> None:
    """Remove the prefix from the path; a proxy may have removed it already."""
    raw = prefix.encode("ascii")
    path: str = scope["path"]
    if path == prefix or path.startswith(f"{prefix}/"):
        scope["path"] = path[len(prefix) :] or "/"
    sent: bytes | None = scope.get("raw_path")
    if sent is not None and (sent == raw or sent.startswith(raw + b"/")):
        scope["raw_path"] = sent[len(raw) :] or b"/"


def _located(name: bytes, value: bytes, prefix: str) -> tuple[bytes, bytes]:
    if name.lower() != b"location" or not value.startswith(b"/") or value.startswith(b"//"):
        return name, value
    return name, prefix.encode("ascii") + value
