"""`/health`: the process lives. `/ready`: it can serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler

from framework_m_standard.http.wire.request_errors import NotReadyError

__all__ = ["Lifecycle", "Ping", "health_routes"]

type Ping = Callable[[], Awaitable[None]]

_GET: Final = [HttpMethod.GET, HttpMethod.HEAD]
_PATIENCE_SECONDS: Final = 3
_NO_STORE: Final = {"cache-control": "no-store"}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lifecycle:
    """Whether the process serves, and whether it is on its way out; the server sets both."""

    serving: bool = False
    stopping: bool = False


def health_routes(ping: Ping, lifecycle: Lifecycle) -> list[HTTPRouteHandler]:
    """The two routes; `ping` raises while something that the app needs is unwell."""

    @route("/health", http_method=_GET)
    async def health() -> Response[dict[str, str]]:
        return Response({"status": "ok"}, headers=_NO_STORE)

    @route("/ready", http_method=_GET)
    async def ready() -> Response[dict[str, str]]:
        if lifecycle.stopping:
            raise NotReadyError("the server is stopping")
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await ping()
        except Exception as error:
            _log.warning("not ready: %r", error)
            raise NotReadyError("something that the app needs is away") from None
        return Response({"status": "ready"}, headers=_NO_STORE)

    return [health, ready]
