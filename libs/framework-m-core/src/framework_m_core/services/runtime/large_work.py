"""`LargeWork`: places and turns for writes of documents with many rows, so that everything else is served meanwhile."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.runtime.places import Places

__all__ = ["LargeDocumentFoundError", "LargeWork"]

_LARGE: Final = 500
"""Rows of a document from which on a step with it takes noticeable time, some 0.01 s per thousand."""

_ITERATIONS: Final = 8
"""Iterations of the loop between two turns: as many as a small request needs from its connection to its response."""

_WAIT_SECONDS: Final = 30
"""How long a write waits for a place; it holds nothing of the store meanwhile."""

_MAX_KNOWN: Final = 1_000


class LargeDocumentFoundError(Exception):
    """A document turned out to be large after its write had begun: nothing is stored, it begins anew with a place."""


class LargeWork:
    """Places for writes of large documents, and a queue in front of their steps, of which one runs at a time.

    A caller has at most half of the places, so that one with many large writes delays nobody else's, and leaves
    connections to them. Writes of one such document wait for each other from their beginning, since those that meet
    between two steps would conflict and be repeated. All of this is waited for before the unit of work holds a lock of
    the store, or without holding the turn during a step, so that writes which wait for each other's locks do not stand
    still.
    """

    def __init__(self, capacity: int) -> None:
        """Create `capacity` places."""
        work, advice = "writes of documents with many rows", "send the next one when one has ended"
        self._places = Places(capacity, _WAIT_SECONDS, work, advice)
        self._turn = asyncio.Lock()
        self._known: OrderedDict[tuple[str, str], asyncio.Lock] = OrderedDict()

    async def run[Result](
        self,
        context: RequestContext,
        plan: CompiledDocType,
        ref: UUID | str | None,
        body: Mapping[str, Any],
        write: Callable[[], Awaitable[Result]],
    ) -> Result:
        """Run a write, in a place of its caller if the body or the document `ref` is large.

        A joined write takes none, as its unit may hold locks. Raises RateLimitError past the caller's share, and
        TransientError when no place gets free.
        """
        if context.unit is not None:
            return await write()
        while True:
            lock = None if ref is None else self._known.get((plan.name, str(ref)))
            try:
                if lock is None and not _is_large(plan, body):
                    return await write()
                async with self._places.place(context.principal.id), lock or nullcontext():
                    return await write()
            except LargeDocumentFoundError:
                continue

    async def begin(
        self, context: RequestContext, plan: CompiledDocType, ref: UUID | str, values: Mapping[str, Any]
    ) -> None:
        """Wait for the first turn with a loaded document.

        Raises LargeDocumentFoundError if it is large and was not known to `run` by `ref`, as it is from now on.
        """
        if context.unit is None and _is_large(plan, values) and (plan.name, str(ref)) not in self._known:
            self.remember(plan, values, ref)
            raise LargeDocumentFoundError
        await self.wait_turn(plan, values)

    async def wait_turn(self, plan: CompiledDocType, values: Mapping[str, Any]) -> None:
        """Wait for a turn if a document, or the body of one, has many rows."""
        if _is_large(plan, values):
            async with self._turn:
                for _ in range(_ITERATIONS):
                    await asyncio.sleep(0)

    def remember(self, plan: CompiledDocType, values: Mapping[str, Any], *refs: UUID | str) -> None:
        """Let later writes of a stored document wait for each other if it is large."""
        if _is_large(plan, values):
            lock = self._known.get((plan.name, str(values["id"]))) or asyncio.Lock()
            for ref in (values["id"], values["name"], *refs):
                key = (plan.name, str(ref))
                self._known[key] = lock
                self._known.move_to_end(key)
            while len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)


def _is_large(plan: CompiledDocType, values: Mapping[str, Any]) -> bool:
    return sum(len(found) for name in plan.children if isinstance(found := values.get(name), list)) >= _LARGE
