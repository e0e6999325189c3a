"""`SqlStore.driver_for`: a strategy that chooses the driver by tenant keeps the tenants apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.store import SqlStore
from framework_m_testing.contracts.tenants import TENANTS, TenantsContract
from framework_m_testing.harness import OpenStore, StoreHarness

from .wiring import sql_harness, sql_store


class DatabasePerTenant(SqlStore):
    """A store with a database for each tenant."""

    def __init__(self, drivers: Mapping[str | None, Driver], registry: Registry) -> None:
        super().__init__(drivers[None], RegistryHandle(registry))
        self._of_tenants = drivers

    def driver_for(self, context: RequestContext) -> Driver:
        return self._of_tenants[context.tenant]

    def list_drivers(self) -> Sequence[Driver]:
        return [*self._of_tenants.values()]


class TestTenantsInSql(TenantsContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        @asynccontextmanager
        async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
            drivers = {}
            async with AsyncExitStack() as stack:
                for tenant in TENANTS:
                    one = await stack.enter_async_context(sql_store(f"sqlite:///{tmp_path / f'{tenant}.db'}", registry))
                    await SqlSchemaMapper(one).sync()
                    drivers[tenant] = one.global_driver
                yield sql_harness(DatabasePerTenant(drivers, registry))

        def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
            return opened(registry)

        return open_
