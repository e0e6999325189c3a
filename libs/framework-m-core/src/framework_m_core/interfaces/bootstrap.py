"""Port `BootstrapProtocol`: one step of starting and stopping the app."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["BootstrapProtocol"]


class BootstrapProtocol(Protocol):
    """A step; its identity is the name of its entry point, its place is `order` (lower runs earlier).

    Contract: a `run` that raises stops the start; steps are closed in the reverse of their order. A step may also
    have `async close()`, and `async ping()` that raises while what it opened is unwell.
    """

    order: int

    async def run(self, app: Any) -> None:
        """Does the step's work with the composed application (`bootstrap.application.Application`)."""
        ...
