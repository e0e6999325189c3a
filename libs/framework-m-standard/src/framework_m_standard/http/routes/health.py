"""`/health`: the process is alive. `/ready`: it can serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from framework_m_standard.http.routes.table import HEALTH, READY
from framework_m_standard.http.wire.request_errors import NotReadyError

__all__ = ["Lifecycle", "Ping", "Warnings", "build_health_routes"]

type Ping = Callable[[], Awaitable[None]]
type Warnings = Callable[[], Awaitable[list[str]]]

_PING_TIMEOUT_SECONDS: Final = 3
_NO_STORE: Final = {"cache-control": "no-store"}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lifecycle:
    """Flags that the server sets: whether the process is serving, and whether it is stopping."""

    serving: bool = False
    stopping: bool = False


def build_health_routes(ping: Ping, warnings: Warnings, lifecycle: Lifecycle) -> list[HTTPRouteHandler]:
    """Return the two routes; `ping` raises while a dependency is unavailable.

    `/ready` shows `warnings` beside its status: the process serves, but an operator should look.
    """

    @HEALTH.make_handler
    async def health() -> Response[dict[str, str]]:
        return Response({"status": "ok"}, headers=_NO_STORE)

    @READY.make_handler
    async def ready() -> Response[dict[str, Any]]:
        if lifecycle.stopping:
            raise NotReadyError("the server is stopping")
        try:
            async with asyncio.timeout(_PING_TIMEOUT_SECONDS):
                await ping()
                found = await warnings()
        except Exception as error:
            _log.warning("not ready: %r", error)
            raise NotReadyError("a dependency of the app is unavailable") from None
        body: dict[str, Any] = {"status": "ready", **({"warnings": found} if found else {})}
        return Response(body, headers=_NO_STORE)

    return [health, ready]
