"""The store in memory as a harness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.memory.audit_log import MemoryAuditLog
from framework_m_standard.memory.consumers import MemoryConsumers
from framework_m_standard.memory.counter import MemoryCounter
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.idempotency import MemoryIdempotency
from framework_m_standard.memory.outbox import MemoryOutbox
from framework_m_standard.memory.reader import MemoryReader
from framework_m_standard.memory.schema_mapper import MemorySchemaMapper
from framework_m_standard.memory.unit_of_work import MemoryUnitOfWorkFactory
from framework_m_testing.harness import StoreHarness


def memory_harness(database: MemoryDatabase, registry: Registry) -> StoreHarness:
    """The adapters of the store family over a database."""
    store = MemoryStore(database, RegistryHandle(registry))
    return StoreHarness(
        registry_handle=store.registry_handle,
        reader=MemoryReader(store),
        units=MemoryUnitOfWorkFactory(store),
        schema_mapper=MemorySchemaMapper(store),
        outbox=MemoryOutbox(store),
        consumers=MemoryConsumers(store),
        counter=MemoryCounter(store),
        idempotency=MemoryIdempotency(store),
        audit_log=MemoryAuditLog(store),
        tamperings=tuple(_tampering(database, change) for change in (_change, _remove, _replace)),
    )


async def memory_dump(database: MemoryDatabase, registry: Registry) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that a write may touch, under the names that tables have in SQL."""
    found: dict[str, list[tuple[Any, ...]]] = {
        "activitylog": [(sealed,) for sealed in database.audit],
        "m_outbox": list(database.events.items()),
        "m_idempotency": list(database.responses.items()),
    }
    for plan in registry.doctypes.values():
        rows = database.tables[plan.name].rows.values()
        found[plan.name.lower()] = [tuple(row[name] for name in plan.columns) for row in rows]
        for field, child in plan.children.items():
            lines = [(row["id"], *line.values()) for row in rows for line in row[field] or ()]
            found[f"{plan.name.lower()}__{child.field}"] = lines
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def _tampering(database: MemoryDatabase, change: Callable[[Any], None]) -> Any:
    async def tamper() -> None:
        change(database)

    return tamper


def _change(database: Any) -> None:
    for sealed in database.audit:
        sealed.entry.actor = "somebody else"


def _remove(database: Any) -> None:
    del database.audit[0]


def _replace(database: Any) -> None:
    database.audit = []
