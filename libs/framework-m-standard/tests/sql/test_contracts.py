"""The SQL store keeps the contracts of the store family."""

import pytest

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


class TestSqlReader(ReaderContract):
    pass


class TestSqlRepository(RepositoryContract):
    pass


class TestSqlUnitOfWork(UnitOfWorkContract):
    pass


class TestSqlConsumers(ConsumersContract):
    """Progress is durable."""


class TestSqlOutbox(OutboxContract):
    pass


class TestSqlCounter(CounterContract):
    pass


class TestSqlIdempotency(IdempotencyContract):
    pass


class TestSqlAuditLog(AuditLogContract):
    pass


class TestSqlSchemaMapper(SchemaMapperContract):
    @pytest.fixture
    def database_url(self, bare_database_url: str) -> str:
        return bare_database_url
