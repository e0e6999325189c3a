"""The store in memory for its tests: a database for each test, opened as often as wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from framework_m_core.registry.snapshot import Snapshot
from framework_m_standard.memory.database import MemoryDatabase
from framework_m_testing.harness import OpenStore, StoreHarness, sample_snapshot

from .wiring import memory_harness


@pytest.fixture
def database() -> MemoryDatabase:
    """A database without documents, whose writers are soon impatient."""
    return MemoryDatabase(lock_timeout=0.5)


@pytest.fixture
def open_store(database: MemoryDatabase) -> OpenStore:
    """Opens the store over the test's database, as often as wanted."""

    @asynccontextmanager
    async def opened(snapshot: Snapshot) -> AsyncIterator[StoreHarness]:
        yield memory_harness(database, snapshot)

    def open_(snapshot: Snapshot) -> AbstractAsyncContextManager[StoreHarness]:
        return opened(snapshot)

    return open_


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[StoreHarness]:
    """The store under the sample DocTypes."""
    async with open_store(sample_snapshot()) as opened:
        yield opened
