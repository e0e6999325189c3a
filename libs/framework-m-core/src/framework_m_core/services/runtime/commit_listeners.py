"""`CommitListeners`: callbacks of this process for committed writes, such as cache invalidation and live hints."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol

__all__ = ["CommitListeners"]


class CommitListeners:
    """Callbacks by DocType. They run after the commit, may be lost with the process, and never change a response.

    Use an event handler for work that must not be lost.
    """

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callable[[UUID], None]]] = {}

    def watch(self, doctype: str, callback: Callable[[UUID], None]) -> None:
        """Call `callback` with the id of each document of a DocType that this process writes."""
        self._callbacks.setdefault(doctype, []).append(callback)

    def notify(self, unit: UnitOfWorkProtocol, doctype: str, id: UUID) -> None:
        """Run the callbacks of a DocType once the unit has committed."""
        callbacks = self._callbacks.get(doctype)
        if callbacks is None:
            return

        async def run() -> None:
            for callback in callbacks:
                callback(id)

        unit.after_commit(run)
