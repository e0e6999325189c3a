"""An ASGI app that opens the actual app at lifespan startup and closes it at shutdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.http.server.cancelled_requests import RespondWhenCancelled, finish_cancelled
from framework_m_standard.http.server.serving import Opener
from framework_m_standard.http.wire.asgi import ASGIApp

__all__ = ["OpenedAtStartup"]


class OpenedAtStartup:
    """The app that an opener opens. A ConfigurationError at startup is explained without a traceback."""

    def __init__(self, opener: Opener, explain: Callable[[ConfigurationError], None]) -> None:
        self._opener = opener
        self._explain = explain
        self._app: ASGIApp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, or the lifespan of the process."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            async with self._opener() as app:
                self._app = RespondWhenCancelled(app)
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await finish_cancelled()
        except ConfigurationError as error:
            self._explain(error)
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        await send({"type": "lifespan.shutdown.complete"})
