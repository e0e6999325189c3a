"""Opening, pinging and closing the adapters that the container made."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from framework_m_core.container.container import Container

__all__ = ["AdapterLifecycle"]

_log = logging.getLogger(__name__)


class AdapterLifecycle:
    """Opens, pings and closes the adapters and clients of one application.

    Any of `async open()`, `async ping()` and `async close()` that an object has is called; methods of these names with
    parameters belong to the port and are ignored. Each object is opened after its dependencies and closed before them.
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        self._opened: list[tuple[str, Any]] = []

    async def open(self) -> None:
        """Open all objects not yet opened; each is listed for `close`, even if its `open` fails."""
        for name, made in self._container.built:
            if not any(made is other for _, other in self._opened):
                self._opened.append((name, made))
                await _call(made, "open")

    async def ping(self) -> None:
        """Raise if any object is unhealthy."""
        for _, made in self._opened:
            await _call(made, "ping")

    async def close(self) -> None:
        """Close all objects in reverse order; failures are logged and do not stop the others from closing."""
        while self._opened:
            name, made = self._opened.pop()
            try:
                await _call(made, "close")
            except Exception:
                _log.exception("could not close %s", name)


async def _call(made: Any, method: str) -> None:
    bound = getattr(made, method, None)
    if inspect.iscoroutinefunction(bound) and not inspect.signature(bound).parameters:
        await bound()
