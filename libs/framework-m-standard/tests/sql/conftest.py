"""SQLite and PostgreSQL for the tests of the SQL store; a store that is missing fails, it is never skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_testing.harness import OpenStore, StoreHarness

from .migrating import Migrating, OpenMigrations, open_migrating
from .wiring import sql_harness, sql_store


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind, without rows."""
    return _address(request, tmp_path, "postgres_url")


@pytest.fixture(params=["sqlite", "postgres"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind, without tables."""
    return _address(request, tmp_path, "empty_postgres_url")


def _address(request: pytest.FixtureRequest, folder: Path, postgres: str) -> str:
    return str(request.getfixturevalue(postgres)) if request.param == "postgres" else f"sqlite:///{folder / 'store.db'}"


@pytest.fixture
def open_store(database_url: str) -> OpenStore:
    """Opens the SQL store over the test's database, as often as wanted."""

    @asynccontextmanager
    async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
        async with sql_store(database_url, registry) as store:
            yield sql_harness(store)

    def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
        return opened(registry)

    return open_


@pytest.fixture
def opened(bare_database_url: str, tmp_path: Path) -> OpenMigrations:
    """Opens the migrations for given DocTypes; those of one test share a database and a folder."""

    @asynccontextmanager
    async def open_(registry: Registry) -> AsyncIterator[Migrating]:
        async with open_migrating(bare_database_url, registry, tmp_path / "app" / "migrations") as migrating:
            await migrating.migrations.init()
            yield migrating

    return open_
