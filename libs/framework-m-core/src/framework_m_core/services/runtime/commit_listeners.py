"""Who in this process is told of committed writes: caches that must forget, and live hints."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol

__all__ = ["CommitListeners"]


class CommitListeners:
    """Callbacks by DocType. They run after the commit, may be lost with the process, and never change an answer.

    What must not be lost belongs into an event handler.
    """

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callable[[UUID], None]]] = {}

    def watch(self, doctype: str, callback: Callable[[UUID], None]) -> None:
        """Calls back with the id of each document of a DocType that is written here."""
        self._callbacks.setdefault(doctype, []).append(callback)

    def written(self, unit: UnitOfWorkProtocol, doctype: str, id: UUID) -> None:
        """Tells the watchers of a DocType, once the unit has committed."""
        callbacks = self._callbacks.get(doctype)
        if callbacks is None:
            return

        async def tell() -> None:
            for callback in callbacks:
                callback(id)

        unit.after_commit(tell)
