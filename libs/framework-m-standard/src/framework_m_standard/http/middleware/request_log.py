"""A log line per request, for the console of a development server."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from framework_m_core.domain.log_context import bind_log_context
from framework_m_standard.http.wire.asgi import ASGIApp, Message, Receive, Scope, Send, log_context_of
from framework_m_standard.http.wire.paths import raw_path_of

__all__ = ["RequestLog", "show_requests"]

_log = logging.getLogger(__name__)
_MAX_PATH = 2_000
"""The bytes of a path that are logged."""

_PLAIN = "/%:@!$&'()*+,;=~"
"""The characters of a path that are logged as they are; all others, such as terminal controls, are escaped."""


class RequestLog:
    """The middleware that logs requests, without their queries, whose values may be secret."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; log it if it is an HTTP request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        method, path = scope["method"], quote(raw_path_of(scope)[:_MAX_PATH], safe=_PLAIN)

        async def logged(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, logged)
        finally:
            taken = (time.perf_counter() - begun) * 1000
            with bind_log_context(log_context_of(scope)):
                _log.info("%s %s %s %.0f ms", method, path, status or "-", taken)


def show_requests() -> None:
    """Log requests regardless of `[logs] level`."""
    _log.setLevel(logging.INFO)
