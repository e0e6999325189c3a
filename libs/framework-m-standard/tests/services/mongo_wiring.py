"""The MongoDB store, for the services over every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

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
from framework_mx_mongo.settings import MongoSettings
from framework_mx_mongo.store import MongoStore
from framework_mx_mongo.unit_of_work import MongoUnitOfWorkFactory


@asynccontextmanager
async def mongo_driver(url: str) -> AsyncIterator[MongoDriver]:
    """A driver of the database that the path of an address names."""
    parts = urlsplit(url)
    driver = MongoDriver(MongoSettings(url=parts._replace(path="/").geturl(), database=parts.path.removeprefix("/")))
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


def mongo_harness(driver: MongoDriver, registry: Registry) -> StoreHarness:
    """The adapters of the store family over a database."""
    store = MongoStore(driver, RegistryHandle(registry))
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


async def mongo_dump(driver: MongoDriver, registry: Registry) -> dict[str, list[tuple[Any, ...]]]:
    """Every document that a write may touch, under the names that tables have in SQL."""
    records = {"activitylog": "m_audit", "m_outbox": "m_outbox", "m_idempotency": "m_idempotency"}
    names = {plan.name.lower(): plan.name for plan in registry.doctypes.values()} | records
    found = {}
    for name, collection in names.items():
        documents = await driver.get_collection(collection).find({}, {"m_touched": 0}).to_list()
        found[name] = sorted((tuple(one.items()) for one in documents), key=repr)
    for plan in registry.doctypes.values():
        for field, child in plan.children.items():
            documents = await driver.get_collection(plan.name).find({}, {field: 1}).to_list()
            rows = [(one["_id"], *row.values()) for one in documents for row in one[field]]
            found[f"{plan.name.lower()}__{child.field}"] = sorted(rows, key=repr)
    return found
