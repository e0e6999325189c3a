"""The MongoDB store as a harness."""

from __future__ import annotations

from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_testing.harness import StoreHarness
from framework_mx_mongo.audit_log import MongoAuditLog
from framework_mx_mongo.consumers import MongoConsumers
from framework_mx_mongo.counter import MongoCounter
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.idempotency import MongoIdempotency
from framework_mx_mongo.outbox import MongoOutbox
from framework_mx_mongo.reader import MongoReader
from framework_mx_mongo.schema_mapper import MongoSchemaMapper
from framework_mx_mongo.store import MongoStore
from framework_mx_mongo.unit_of_work import MongoUnitOfWorkFactory


def mongo_harness(driver: MongoDriver, registry: Registry) -> StoreHarness:
    """The adapters of the store family over a database."""
    return harness_over(MongoStore(driver, RegistryHandle(registry)))


def harness_over(store: MongoStore) -> StoreHarness:
    """The adapters of the store family over a store."""
    return StoreHarness(
        registry_handle=store.registry_handle,
        reader=MongoReader(store),
        units=MongoUnitOfWorkFactory(store),
        schema_mapper=MongoSchemaMapper(store),
        outbox=MongoOutbox(store),
        consumers=MongoConsumers(store),
        counter=MongoCounter(store),
        idempotency=MongoIdempotency(store),
        audit_log=MongoAuditLog(store),
        tamperings=(),
    )
