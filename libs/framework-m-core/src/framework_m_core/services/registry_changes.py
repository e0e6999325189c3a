"""`RegistryChanges`: replaces the current registry while requests run, in all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry

__all__ = ["Build", "RegistryChanges"]

type Build = Callable[[Registry], Awaitable[Registry]]
"""Makes a registry of what apps declare and the store holds, taking over what it can of the one that it is given."""


class RegistryChanges:
    """Registry swaps, one at a time; the store's schema is expanded first, so that it fits old and new requests."""

    def __init__(self, registry_handle: RegistryHandle, schema_mapper: SchemaMapperProtocol) -> None:
        self._registries = registry_handle
        self._schema_mapper = schema_mapper
        self._build: Build | None = None
        self._turn = asyncio.Lock()

    def build_with(self, build: Build) -> None:
        """Set the function that rebuilds the registry after another process has changed it."""
        self._build = build

    async def apply(self, registry: Registry) -> None:
        """Make a registry current and tell the other processes, which follow within a second.

        What `Build` reads must have been committed. Raises ConfigurationError, changing nothing, if the schema cannot
        be expanded.
        """
        async with self._turn:
            await self._schema_mapper.expand(registry)
            known, published = self._registries.generation, await self._schema_mapper.publish()
            # If others have published meanwhile, this registry may lack their change: `follow` rebuilds it.
            self._registries.swap(registry, published if published == known + 1 else known)

    async def follow(self) -> bool:
        """Rebuild the registry if another process has published one; return whether it was swapped."""
        async with self._turn:
            published = await self._schema_mapper.generation()
            if self._build is None or published == self._registries.generation:
                return False
            self._registries.swap(await self._build(self._registries.current), published)
            return True
