"""Port `BootstrapProtocol`: one step of starting and stopping the app."""

from __future__ import annotations

from typing import Any, Final, Protocol

__all__ = ["ROLES", "BootstrapProtocol"]

ROLES: Final = ("web", "worker", "relay", "scheduler", "cli")
"""What a process may be there for; steps of packages may name roles of their own."""


class BootstrapProtocol(Protocol):
    """A step; its identity is the name of its entry point, its place is `order` (lower runs earlier).

    In the group `framework_m.bootstrap` it is part of every start; in `framework_m.bootstrap.<port>.<choice>`, of those
    that bind this choice (`store` stands for its family).

    Contract: it is built without arguments, and its order is a constant. A `run` that raises stops the start; steps are
    closed in the reverse of their order, one whose run failed with the others. A step may also have:

    - `roles`, a collection of names: it runs in processes that have one of them, and in all without;
    - `async close()`, which does no harm when nothing is open;
    - `async ping()`, which raises while what it opened is unwell;
    - `async warnings()`, which returns what an operator should know of a process that serves all the same.
    """

    order: int

    async def run(self, app: Any) -> None:
        """Do the step's work with the composed application (`bootstrap.application.Application`)."""
        ...
