"""`RegistryHandle`: the registry that requests begin with, which may be another for each of them."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Final

from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.registry import Registry

__all__ = ["RegistryHandle"]

_SWAPS_PER_COLLECTION: Final = 16


class RegistryHandle:
    """Holds the current registry. What works on for a request asks the request's context instead."""

    def __init__(self, registry: Registry) -> None:
        self.current = registry
        self.generation = 0
        self._swaps = 0

    def swap(self, registry: Registry, generation: int) -> None:
        """Let all that begins from now on work with another registry; what has begun keeps its own.

        `generation` is the store's number for it, by which other processes know that there is another.
        """
        before, self.current = self.current, registry
        self.generation = generation
        self._swaps += 1
        if before is not registry:
            _release(before, registry)
        if self._swaps % _SWAPS_PER_COLLECTION == 0:
            gc.collect()  # models are cyclic, and requests make too little garbage for the oldest to be looked at soon

    def pin(self, context: RequestContext) -> RequestContext:
        """Return the context with the registry that it works with to its end."""
        return context if context.registry is not None else replace(context, registry=self.current)


def _release(before: Registry, after: Registry) -> None:
    """Empty the caches of what is replaced: they are cyclic, and the collector never sees what boot has frozen.

    A request that has begun derives anew what it still needs.
    """
    before.derived.clear()
    for name, plan in before.doctypes.items():
        if after.doctypes.get(name) is not plan:
            plan.derived.clear()
