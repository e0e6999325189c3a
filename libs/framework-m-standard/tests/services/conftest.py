"""The services over every store; one that is missing fails, it is never skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_testing.harness import OpenStore, StoreHarness

from .orders import HOOKS, Hooks, order_registry
from .wiring import MEMORY, Wired, opened_store, wired


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind, without rows."""
    if request.param == "memory":
        yield f"memory:{tmp_path}"
        MEMORY.clear()
    elif request.param == "postgres":
        yield str(request.getfixturevalue("postgres_url"))
    else:
        yield f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def open_store(database_url: str) -> OpenStore:
    """Opens the adapters of a store over the test's database, as often as wanted."""

    @asynccontextmanager
    async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
        async with opened_store(database_url, registry, {}) as store:
            yield store.adapters

    def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
        return opened(registry)

    return open_


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Wired]:
    """The services over orders on each store."""
    async with wired(database_url, order_registry()) as opened:
        yield opened


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """What the hooks of orders do in this test."""
    HOOKS.clear()
    yield HOOKS
    HOOKS.clear()
