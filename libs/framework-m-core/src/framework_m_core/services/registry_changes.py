"""`RegistryChanges`: puts another registry in the place of the current one while requests run."""

from __future__ import annotations

import asyncio

from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry

__all__ = ["RegistryChanges"]


class RegistryChanges:
    """One change at a time: the store's schema is widened first, so that old and new requests both find theirs."""

    def __init__(self, registry_handle: RegistryHandle, schema_mapper: SchemaMapperProtocol) -> None:
        self._registries = registry_handle
        self._schema_mapper = schema_mapper
        self._turn = asyncio.Lock()

    async def apply(self, registry: Registry) -> None:
        """Make a registry the current one. Raises ConfigurationError, and changes nothing, for what no store can do."""
        async with self._turn:
            await self._schema_mapper.expand(registry)
            self._registries.swap(registry)
