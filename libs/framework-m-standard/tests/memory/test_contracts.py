"""The store in memory keeps the contracts of the store family."""

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
