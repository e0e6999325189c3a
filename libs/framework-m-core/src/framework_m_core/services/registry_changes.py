"""`RegistryChanges`: replaces the current registry while requests run, in all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry

__all__ = ["Build", "Prepare", "RegistryChanges"]

type Build = Callable[[Registry], Awaitable[Registry]]
"""Builds a registry from what apps declare and the store holds, reusing what it can of the given one."""

type Prepare = Callable[[Registry], Awaitable[object]]
"""Called with a registry before it becomes current."""


class RegistryChanges:
    """Registry swaps, one at a time; the store's schema is expanded first, so that it fits old and new requests."""

    def __init__(
        self, registry_handle: RegistryHandle, schema_mapper: SchemaMapperProtocol, build_registry: Build
    ) -> None:
        """`build_registry` rebuilds the registry after another process has changed it."""
        self._registry_handle = registry_handle
        self._schema_mapper = schema_mapper
        self._build = build_registry
        self._preparations: list[Prepare] = []
        self._turn = asyncio.Lock()

    def prepare_with(self, prepare: Prepare) -> None:
        """Call a function with each registry that `apply` is given, once the schema fits it."""
        self._preparations.append(prepare)

    async def apply(self, registry: Registry) -> None:
        """Make a registry current and tell the other processes, which follow within a second.

        What `Build` reads must have been committed. Raises ConfigurationError, changing nothing, if the schema cannot
        be expanded.
        """
        async with self._turn:
            await self._schema_mapper.expand(registry)
            for prepare in self._preparations:
                await prepare(registry)
            known, published = self._registry_handle.generation, await self._schema_mapper.publish()
            # If others have published meanwhile, this registry may lack their change: `follow` rebuilds it.
            self._registry_handle.swap(registry, published if published == known + 1 else known)

    async def follow(self) -> bool:
        """Rebuild the registry if another process has published one; return whether it was swapped."""
        async with self._turn:
            published = await self._schema_mapper.read_generation()
            if published == self._registry_handle.generation:
                return False
            self._registry_handle.swap(await self._build(self._registry_handle.current), published)
            return True
