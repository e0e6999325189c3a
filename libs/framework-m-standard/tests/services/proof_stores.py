"""Every store at once, its schema synced a single time, for declarations that differ in permissions alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.auth.rbac import RbacPermission
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.store import SqlStore
from framework_mx_mongo.engine.driver import MongoDriver
from tests.permission_proof.declared_classes import compiled
from tests.permission_proof.generators import PLAIN

from ..memory.wiring import memory_dump, memory_harness
from ..sql.wiring import sql_dump, sql_harness, sql_store
from .mongo_wiring import mongo_driver, mongo_dump, mongo_harness
from .wiring import Store, Wired, services_over

type Stores = Callable[[Registry], dict[str, Wired]]
"""The services over each store, under declarations."""


@asynccontextmanager
async def proof_stores(folder: Path, servers: Sequence[str], mongodb_address: str | None) -> AsyncIterator[Stores]:
    """Opens SQLite, the SQL servers, memory and, if it has an address, MongoDB."""
    async with AsyncExitStack() as stack:
        plain = compiled(PLAIN)
        database, drivers = MemoryDatabase(), []
        for url in (f"sqlite:///{folder / 'proof.db'}", *servers):
            store = await stack.enter_async_context(sql_store(url, plain, pool_size=2))
            await sql_harness(store).schema_mapper.sync()
            drivers.append(store.global_driver)
        await memory_harness(database, plain).schema_mapper.sync()
        mongo = await stack.enter_async_context(mongo_driver(mongodb_address)) if mongodb_address else None
        if mongo is not None:
            await mongo_harness(mongo, plain).schema_mapper.sync()
        yield lambda registry: {
            **{driver.name: _over(_sql(driver, registry)) for driver in drivers},
            "memory": _over(_memory(database, registry)),
            **({} if mongo is None else {"mongo": _over(_mongo(mongo, registry))}),
        }


def _over(store: Store) -> Wired:
    return services_over(store, RbacPermission(store.adapters.registry_handle))


def _sql(driver: Driver, registry: Registry) -> Store:
    store = SqlStore(driver, RegistryHandle(registry))
    return Store(driver.name, sql_harness(store), lambda: sql_dump(store))


def _memory(database: MemoryDatabase, registry: Registry) -> Store:
    return Store("memory", memory_harness(database, registry), lambda: memory_dump(database, registry))


def _mongo(driver: MongoDriver, registry: Registry) -> Store:
    return Store("mongo", mongo_harness(driver, registry), lambda: mongo_dump(driver, registry))
