"""`MongoStore.driver_for`: a strategy that chooses the database by tenant keeps the tenants apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_testing.contracts.tenants import TENANTS, TenantsContract
from framework_m_testing.harness import OpenStore, StoreHarness
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.schema_mapper import MongoSchemaMapper
from framework_mx_mongo.settings import MongoSettings
from framework_mx_mongo.store import MongoStore

from .wiring import harness_over


class DatabasePerTenant(MongoStore):
    """A store with a database for each tenant."""

    def __init__(self, drivers: Mapping[str | None, MongoDriver], registry: Registry) -> None:
        super().__init__(drivers[None], RegistryHandle(registry))
        self._of_tenants = drivers

    def driver_for(self, context: RequestContext) -> MongoDriver:
        return self._of_tenants[context.tenant]

    def list_drivers(self) -> Sequence[MongoDriver]:
        return [*self._of_tenants.values()]


class TestTenantsInMongo(TenantsContract):
    @pytest.fixture
    def open_store(self, mongo_settings: MongoSettings) -> OpenStore:
        @asynccontextmanager
        async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
            drivers: dict[str | None, MongoDriver] = {}
            async with AsyncExitStack() as stack:
                for tenant in TENANTS:
                    name = f"{mongo_settings.database}_{tenant}"
                    driver = MongoDriver(mongo_settings.model_copy(update={"database": name}))
                    await driver.open()
                    stack.push_async_callback(driver.close)
                    stack.push_async_callback(_drop, driver)
                    await MongoSchemaMapper(MongoStore(driver, RegistryHandle(registry))).sync()
                    drivers[tenant] = driver
                yield harness_over(DatabasePerTenant(drivers, registry))

        def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
            return opened(registry)

        return open_


async def _drop(driver: MongoDriver) -> None:
    await driver.database.client.drop_database(driver.database.name)
