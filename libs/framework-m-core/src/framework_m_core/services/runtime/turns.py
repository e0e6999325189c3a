"""`LargeWork`: turns for work that holds the event loop for long, so that everything else is served in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["LargeWork"]

_LARGE: Final = 500
"""Rows of a document from which on a step with it takes noticeable time, some 0.01 s per thousand."""

_ITERATIONS: Final = 8
"""Iterations of the loop between two turns: as many as a small request needs from its connection to its response."""

_MAX_KNOWN: Final = 1_000


class LargeWork:
    """A queue in front of the steps of writes of large documents, of which one runs at a time.

    Writes of one such document wait for each other from their beginning, since those that meet between two steps would
    conflict and be repeated. Both waits happen before the unit of work holds a lock of the store, or without holding
    the turn during a step, so that writes which wait for each other's locks do not stand still.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: dict[tuple[str, str], asyncio.Lock] = {}

    async def wait_turn(self, plan: CompiledDocType, values: Mapping[str, Any]) -> None:
        """Wait for a turn if a document, or the body of one, has many rows."""
        if _is_large(plan, values):
            async with self._turn:
                for _ in range(_ITERATIONS):
                    await asyncio.sleep(0)

    def remember(self, plan: CompiledDocType, values: Mapping[str, Any]) -> None:
        """Let later writes of a stored document wait for each other if it is large."""
        if _is_large(plan, values):
            numbered, named = (plan.name, str(values["id"])), (plan.name, values["name"])
            lock = self._known.get(numbered) or asyncio.Lock()
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[numbered] = self._known[named] = lock

    @asynccontextmanager
    async def take_turn(self, plan: CompiledDocType, ref: UUID | str) -> AsyncIterator[None]:
        """Run the block after the other writes of a document that is known to be large."""
        lock = self._known.get((plan.name, str(ref)))
        if lock is None:
            yield
        else:
            async with lock:
                yield


def _is_large(plan: CompiledDocType, values: Mapping[str, Any]) -> bool:
    return sum(len(found) for name in plan.children if isinstance(found := values.get(name), list)) >= _LARGE
