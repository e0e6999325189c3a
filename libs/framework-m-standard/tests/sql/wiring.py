"""The SQL store as a harness."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.audit_log import SqlAuditLog
from framework_m_standard.sql.consumers import SqlConsumers
from framework_m_standard.sql.counter import SqlCounter
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.idempotency import SqlIdempotency
from framework_m_standard.sql.outbox import SqlOutbox
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory
from framework_m_testing.harness import StoreHarness

_NOT_DOCUMENTS = {"m_counter", "m_consumer", "m_delivery", "m_schema"}
POOL = 8


@asynccontextmanager
async def sql_store(url: str, registry: Registry, **settings: Any) -> AsyncIterator[SqlStore]:
    """A store over the database of an address; its schema is left as it is."""
    driver = make_driver(SqlSettings(url=url, **{"pool_size": POOL, **settings}), Path("unused"))
    await driver.open()
    try:
        yield SqlStore(driver, RegistryHandle(registry))
    finally:
        await driver.close()


def sql_harness(store: SqlStore) -> StoreHarness:
    """The adapters of the store family over a store."""
    audit = store.framework_tables.audit.name
    return StoreHarness(
        registry_handle=store.registry_handle,
        reader=SqlReader(store),
        units=SqlUnitOfWorkFactory(store),
        schema_mapper=SqlSchemaMapper(store),
        outbox=SqlOutbox(store),
        consumers=SqlConsumers(store),
        counter=SqlCounter(store),
        idempotency=SqlIdempotency(store),
        audit_log=SqlAuditLog(store),
        tamperings=(
            lambda: _execute(store, f"UPDATE {audit} SET actor = 'somebody else'"),
            lambda: _execute(store, f"DELETE FROM {audit}"),
        ),
    )


async def _execute(store: SqlStore, sql: str) -> None:
    await store.global_driver.write(Statement(sql), ())


async def sql_dump(store: SqlStore) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that a write may touch."""
    tables = [table.name for table in store.tables_of(store.registry).list_all() if table.name not in _NOT_DOCUMENTS]
    statements = {name: Statement(f'SELECT * FROM "{name}"') for name in tables}
    found = {name: await store.global_driver.fetch(statement, ()) for name, statement in statements.items()}
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}
