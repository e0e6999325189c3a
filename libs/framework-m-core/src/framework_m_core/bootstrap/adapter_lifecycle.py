"""Opening, pinging and closing the adapters that the container made."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from framework_m_core.container.container import Container

__all__ = ["AdapterLifecycle"]

_log = logging.getLogger(__name__)


class AdapterLifecycle:
    """The adapters and clients of one application that have something to open.

    An object takes part with whichever of `async open()`, `async ping()` and `async close()` it has; methods of these
    names that need arguments are the port's own. Each is opened after what it was made from, and closed before.
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        self._opened: list[tuple[str, Any]] = []

    async def open(self) -> None:
        """Open what was made and is not open; what is opened stays listed for `close`, even where its `open` fails."""
        for name, made in self._container.built:
            if not any(made is other for _, other in self._opened):
                self._opened.append((name, made))
                await _call(made, "open")

    async def ping(self) -> None:
        """Raise while one of them is unwell."""
        for _, made in self._opened:
            await _call(made, "ping")

    async def close(self) -> None:
        """Close all, the last first; a failure is logged, and the others are closed all the same."""
        while self._opened:
            name, made = self._opened.pop()
            try:
                await _call(made, "close")
            except Exception:
                _log.exception("closing %s failed", name)


async def _call(made: Any, method: str) -> None:
    bound = getattr(made, method, None)
    if inspect.iscoroutinefunction(bound) and not inspect.signature(bound).parameters:
        await bound()
