"""What is in memory keeps its contracts: the store family, the cache and the event bus."""

import pytest

from framework_m_core.services.runtime.tenant_cache import TenantCache
from framework_m_standard.memory.cache import MemoryCache
from framework_m_standard.memory.settings import MemorySettings
from framework_m_testing.contracts.cache import CacheContract
from framework_m_testing.contracts.consumers import ConsumersContract
from framework_m_testing.contracts.event_bus import EventBusContract
from framework_m_testing.contracts.reader import ReaderContract
from framework_m_testing.contracts.records import (
    AuditLogContract,
    CounterContract,
    IdempotencyContract,
    OutboxContract,
)
from framework_m_testing.contracts.repository import RepositoryContract
from framework_m_testing.contracts.schema_mapper import SchemaMapperContract
from framework_m_testing.contracts.unit_of_work import UnitOfWorkContract

from .conftest import TurnedClock


class TestMemoryReader(ReaderContract):
    pass


class TestMemoryRepository(RepositoryContract):
    pass


class TestMemoryUnitOfWork(UnitOfWorkContract):
    pass


class TestMemoryConsumers(ConsumersContract):
    """Progress is durable."""


class TestMemoryOutbox(OutboxContract):
    pass


class TestMemoryCounter(CounterContract):
    pass


class TestMemoryIdempotency(IdempotencyContract):
    pass


class TestMemoryAuditLog(AuditLogContract):
    pass


class TestMemorySchemaMapper(SchemaMapperContract):
    pass


class TestMemoryCache(CacheContract):
    pass


class TestMemoryEventBus(EventBusContract):
    pass


class TestTenantCache(CacheContract):
    """The view of one tenant, over a cache that others use too."""

    @pytest.fixture
    async def cache(self, clock: TurnedClock) -> TenantCache:
        shared = MemoryCache(MemorySettings(), clock)
        await shared.set_many(dict.fromkeys(("key", "user:1", "a", "*"), "global"))
        await TenantCache(shared, "south").set_many(dict.fromkeys(("key", "user:1", "a", "*"), "south"))
        return TenantCache(shared, "north")


async def test_the_keys_of_tenants_never_meet(clock: TurnedClock) -> None:
    shared = MemoryCache(MemorySettings(), clock)
    tenants = ["a", "a:b", "*", "", "A", "\\"]
    views = [TenantCache(shared, tenant) for tenant in tenants]
    for number, view in enumerate(views):
        await view.set_many({"b:c": number, "c": number})
    await shared.set("c", "global")
    for number, view in enumerate(views):
        assert await view.get_many(["b:c", "c"]) == {"b:c": number, "c": number}
    assert await views[2].delete_pattern("*") == 2
    assert [await view.exists("c") for view in views] == [True, True, False, True, True, True]
    assert await shared.get("c") == "global"
