"""What is in memory keeps its contracts: the store family, the cache and the event bus."""

from framework_m_testing.contracts.cache import CacheContract
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


class TestMemoryReader(ReaderContract):
    pass


class TestMemoryRepository(RepositoryContract):
    pass


class TestMemoryUnitOfWork(UnitOfWorkContract):
    pass


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
