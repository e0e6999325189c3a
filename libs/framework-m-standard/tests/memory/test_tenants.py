"""Ports that tell tenants apart by the context alone: with a store for each, no call reaches another tenant's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_testing.contracts.tenants import TENANTS, TenantsContract
from framework_m_testing.fakes.tenants import separate_tenants
from framework_m_testing.harness import OpenStore, StoreHarness

from .wiring import memory_harness


class TestTenantsInMemory(TenantsContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        databases = {tenant: MemoryDatabase() for tenant in TENANTS}

        @asynccontextmanager
        async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
            yield separate_tenants({tenant: memory_harness(one, registry) for tenant, one in databases.items()})

        def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
            return opened(registry)

        return open_
