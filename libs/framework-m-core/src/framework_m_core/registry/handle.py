"""`RegistryHandle`: the current registry, which may change between requests."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import NO_REGISTRY, Principal, RequestContext, Source
from framework_m_core.registry.registry import Registry

__all__ = ["RegistryHandle"]

_SWAPS_PER_COLLECTION: Final = 16


class RegistryHandle:
    """Holds the current registry. Code running for a request uses the registry of its context instead."""

    def __init__(self, registry: Registry) -> None:
        self.current = registry
        self.generation = 0
        self._swaps = 0

    def __repr__(self) -> str:
        return f"<RegistryHandle: generation {self.generation}, {self.current!r}>"

    def swap(self, registry: Registry, generation: int) -> None:
        """Replace the registry for new requests; running requests keep theirs.

        `generation` is the store's number for it, by which other processes notice the change.
        """
        before, self.current = self.current, registry
        self.generation = generation
        self._swaps += 1
        if before is not registry:
            _release(before, registry)
        if self._swaps % _SWAPS_PER_COLLECTION == 0:
            gc.collect()  # models are cyclic, and requests make too little garbage for a prompt full collection

    def make_context(
        self,
        principal: Principal,
        *,
        source: Source,
        clock: Clock,
        request_id: UUID | None = None,
        tenant: str | None = None,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
        registry: Registry | None = None,
    ) -> RequestContext:
        """Return a context that works with the current registry (or the given one) to its end.

        Only what begins work makes one: a request, a socket, an event, a command, a job for each unit of its work. A
        context within another is made by `within` and `elevated`.
        """
        return RequestContext(
            principal,
            tenant,
            request_id or uuid4(),
            correlation_id,
            causation_id,
            source,
            clock,
            registry=registry or self.current,
        )

    def pin(self, context: RequestContext) -> RequestContext:
        """Return the context with its registry fixed, setting the current one if it has none."""
        return context if context.registry is not NO_REGISTRY else replace(context, registry=self.current)


def _release(before: Registry, after: Registry) -> None:
    """Clear the caches of replaced objects: they are cyclic, and the collector ignores objects frozen at boot.

    Running requests recompute what they still need.
    """
    before.derived.clear()
    for name, plan in before.doctypes.items():
        if after.doctypes.get(name) is not plan:
            plan.derived.clear()
