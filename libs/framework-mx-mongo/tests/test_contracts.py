"""The MongoDB store keeps the contracts of the store family."""

from framework_m_testing.contracts.consumers import ConsumersContract
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


class TestMongoReader(ReaderContract):
    pass


class TestMongoRepository(RepositoryContract):
    pass


class TestMongoUnitOfWork(UnitOfWorkContract):
    pass


class TestMongoConsumers(ConsumersContract):
    """Progress is durable."""


class TestMongoOutbox(OutboxContract):
    pass


class TestMongoCounter(CounterContract):
    pass


class TestMongoIdempotency(IdempotencyContract):
    pass


class TestMongoAuditLog(AuditLogContract):
    pass


class TestMongoSchemaMapper(SchemaMapperContract):
    pass
