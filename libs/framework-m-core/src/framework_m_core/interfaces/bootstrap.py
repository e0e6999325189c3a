"""Port `BootstrapProtocol`: one step of starting and stopping a process."""

from __future__ import annotations

from typing import Any, Final, Protocol

__all__ = ["ROLES", "BootstrapProtocol"]

ROLES: Final = ("web", "worker", "relay", "cli")
"""The built-in roles of a process; steps of packages may name their own."""


class BootstrapProtocol(Protocol):
    """A step, identified by the name of its entry point; steps run by ascending `order`.

    A step in the group `framework_m.bootstrap` is part of every start; one in `framework_m.bootstrap.<port>.<choice>`
    only of starts that bind this choice (`store` stands for the store family).

    Contract: a step is built without arguments, and its order is a constant. A `run` that raises stops the start; steps
    are closed in reverse order, including one whose `run` failed. A step may also have:

    - `roles`, a collection of names: the step runs only in processes with one of these roles; without it, in all;
    - `long_running = True`: the step runs in all processes but commands, which have the role `cli` alone;
    - `async close()`, harmless when nothing is open;
    - `async ping()`, which raises while what the step opened is unhealthy;
    - `async collect_warnings()`, which returns what an operator should know about a process that serves nevertheless.
    """

    order: int

    async def run(self, app: Any) -> None:
        """Run the step with the composed application (`bootstrap.application.Application`)."""
        ...
