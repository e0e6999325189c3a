"""Port `BootstrapProtocol`: one step of starting and stopping the app."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["BootstrapProtocol"]


class BootstrapProtocol(Protocol):
    """A step; its identity is the name of its entry point, its place is `order` (lower runs earlier).

    In the group `framework_m.bootstrap` it is part of every start; in `framework_m.bootstrap.<port>.<choice>`, of those
    that bind this choice (`store` stands for its family).

    Contract: it is built without arguments, and its order is a constant. A `run` that raises stops the start; steps are
    closed in the reverse of their order, one whose run failed with the others. A step may also have `async close()`,
    which does no harm when nothing is open, and `async ping()` that raises while what it opened is unwell.
    """

    order: int

    async def run(self, app: Any) -> None:
        """Does the step's work with the composed application (`bootstrap.application.Application`)."""
        ...
