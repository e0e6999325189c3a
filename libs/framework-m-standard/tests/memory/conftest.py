"""What is in memory for its tests: a database for each, opened as often as wanted, a cache and an event bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.registry.registry import Registry
from framework_m_standard.memory.cache import MemoryCache
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.event_bus import MemoryEventBus
from framework_m_standard.memory.settings import MemorySettings
from framework_m_testing.contracts.cache import PassTime
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry

from .wiring import memory_harness


@pytest.fixture
def database() -> MemoryDatabase:
    """A database without documents, whose writers are soon impatient."""
    return MemoryDatabase(lock_timeout=0.5)


@pytest.fixture
def open_store(database: MemoryDatabase) -> OpenStore:
    """Opens the store over the test's database, as often as wanted."""

    @asynccontextmanager
    async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
        yield memory_harness(database, registry)

    def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
        return opened(registry)

    return open_


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[StoreHarness]:
    """The store under the sample DocTypes."""
    async with open_store(build_sample_registry()) as opened:
        yield opened


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> TurnedClock:
    """The clock of the cache."""
    return TurnedClock()


@pytest.fixture
def pass_time(clock: TurnedClock) -> PassTime:
    """Turns the clock of the cache."""

    async def turn(seconds: float) -> None:
        clock.now += timedelta(seconds=seconds)

    return turn


@pytest.fixture
def cache(clock: TurnedClock) -> MemoryCache:
    """An empty cache."""
    return MemoryCache(MemorySettings(), clock)


@pytest.fixture
def event_bus() -> MemoryEventBus:
    """A bus without subscribers."""
    return MemoryEventBus(max_attempts=3)
