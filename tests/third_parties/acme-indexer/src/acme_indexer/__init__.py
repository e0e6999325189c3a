"""A step of a start, for processes of a role of its own."""

from __future__ import annotations

from typing import Any


class InitIndexer:
    """Binds the index; it runs where a process is an indexer."""

    order = 70
    roles = frozenset({"indexer"})

    def __init__(self) -> None:
        self.is_closed = False

    async def run(self, app: Any) -> None:
        """Bind `index`."""
        app.container.provide("index", {"doctypes": sorted(app.registry.doctypes)})
        app.container.provide("indexer_step", self)

    async def close(self) -> None:
        """End."""
        self.is_closed = True
