"""The services over every store; one that is missing fails, but for MariaDB, which no package brings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.writing import runner
from framework_m_core.services.runtime.retry import retry
from framework_m_testing.harness import OpenStore, StoreHarness
from tests.mariadb_server import VARIABLE

from .orders import HOOKS, Hooks, order_registry
from .wiring import MEMORY, Wired, opened_store, wired


@pytest.fixture
def mongodb_address(mongodb_url: str, mongodb_database: str) -> str:
    """The address of an empty database of MongoDB."""
    return urlsplit(mongodb_url)._replace(path=f"/{mongodb_database}").geturl()


_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("mariadb", "mongo")]


@pytest.fixture(params=["sqlite", "postgres", "memory", *_SLOW])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind, without rows."""
    if request.param == "memory":
        yield f"memory:{tmp_path}"
        MEMORY.clear()
    elif request.param in {"postgres", "mariadb"}:
        yield str(request.getfixturevalue(f"{request.param}_url"))
    elif request.param == "mongo":
        yield str(request.getfixturevalue("mongodb_address"))
    else:
        yield f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def empty_server_urls(request: pytest.FixtureRequest, empty_postgres_url: str) -> list[str]:
    """The addresses of empty databases of PostgreSQL and, where there is one, MariaDB."""
    found = [empty_postgres_url]
    if VARIABLE in os.environ:
        found.append(str(request.getfixturevalue("empty_mariadb_url")))
    return found


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


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers that try for a minute on a store without blocking locks: a slow machine is not what is tested."""
    monkeypatch.setattr(runner, "retry", partial(retry, contention_timeout=60.0))
