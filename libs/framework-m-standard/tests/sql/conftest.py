"""SQLite, PostgreSQL and MariaDB for the tests of the SQL store.

Of MariaDB, only the contracts of what every request uses are run without the slow tests; it is skipped where no server
answers. The others fail if they are missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_testing.harness import OpenStore, StoreHarness

from .migrating import Migrating, OpenMigrations, open_migrating
from .wiring import sql_harness, sql_store

_STORES = ("sqlite", "postgres", "mariadb")
_SMOKE = frozenset({"TestSqlReader", "TestSqlRepository", "TestSqlUnitOfWork"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests on MariaDB as slow, without a few."""
    for item in items:
        params = getattr(item, "callspec", None) and item.callspec.params  # type: ignore[attr-defined]
        stores = (params.get("database_url"), params.get("bare_database_url")) if params else ()
        if "mariadb" in stores and getattr(getattr(item, "cls", None), "__name__", "") not in _SMOKE:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=_STORES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind, without rows."""
    return _address(request, tmp_path, "")


@pytest.fixture(params=_STORES)
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind, without tables."""
    return _address(request, tmp_path, "empty_")


def _address(request: pytest.FixtureRequest, folder: Path, prefix: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'store.db'}"
    return str(request.getfixturevalue(f"{prefix}{request.param}_url"))


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
