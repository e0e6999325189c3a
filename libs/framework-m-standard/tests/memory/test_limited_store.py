"""A store that claims no capability: it keeps the contract of such stores, and an app runs on it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import TransientError
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.reader import ReadHandle, Row
from framework_m_core.registry.registry import Registry
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.reader import Prepared
from framework_m_standard.memory.unit_of_work import MemoryUnitOfWork, MemoryUnitOfWorkFactory
from framework_m_testing.apps import open_app
from framework_m_testing.contracts.unit_of_work import UnitOfWorkContract
from framework_m_testing.harness import OpenStore, StoreHarness

from .wiring import memory_harness


class LimitedUnit(MemoryUnitOfWork):
    """A unit whose locks are compared at its commit."""

    def __init__(self, store: MemoryStore, context: RequestContext) -> None:
        super().__init__(store, context)
        self._locked: list[tuple[Prepared, Sequence[Any], list[Row]]] = []

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        prepared: Any = handle
        if prepared.locks:
            self._locked.append((prepared, values, self._versions(prepared, values)))
        rows: list[Row] = prepared.run(self.rows_of(prepared.doctype), values)
        return rows

    async def commit(self) -> None:
        if self._locked:
            await self.open_transaction()
        if any(self._versions(prepared, values) != seen for prepared, values, seen in self._locked):
            await self.rollback()
            raise TransientError("a row that this unit had locked has changed: try again")
        await super().commit()

    def _versions(self, prepared: Prepared, values: Sequence[Any]) -> list[Row]:
        whole = dataclasses.replace(prepared, take=(lambda row: row["id"], lambda row: row["_version"]))
        return whole.run(self.store.database.tables[prepared.doctype].rows, values)


class LimitedUnits(MemoryUnitOfWorkFactory):
    """The factory of such units."""

    capabilities = frozenset[StoreCapability]()

    def __call__(self, context: RequestContext) -> LimitedUnit:
        return LimitedUnit(self._store, self._store.registry_handle.pin(context))


def limited(database: MemoryDatabase, registry: Registry) -> StoreHarness:
    """The store in memory with less."""
    whole = memory_harness(database, registry)
    return dataclasses.replace(whole, units=LimitedUnits(MemoryStore(database, whole.registry_handle)))


class TestLimitedStore(UnitOfWorkContract):
    @pytest.fixture
    def open_store(self, database: MemoryDatabase) -> OpenStore:
        @asynccontextmanager
        async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
            yield limited(database, registry)

        def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
            return opened(registry)

        return open_


async def test_an_app_writes_on_a_store_that_claims_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryUnitOfWorkFactory, "capabilities", LimitedUnits.capabilities)
    monkeypatch.setattr(MemoryUnitOfWorkFactory, "__call__", LimitedUnits.__call__)
    async with open_app(tmp_path) as app:
        role = await app.user("Administrator").create("Role", {"name": "Seller"})
        assert (await app.system.get("Role", role["id"]))["name"] == "Seller"
