"""Products on each store: one that is shared by the tests of a store, and fresh ones for tests that break things.

MongoDB and MariaDB are among the slow tests, but for a few journeys (`test_mongodb.py`, `test_invoice.py`).
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.journeys.product import Product, copy_crm
from tests.mariadb_server import mariadb_address, new_database
from tests.mongo_server import VARIABLE as MONGODB
from tests.mongo_server import drop_given_database
from tests.mongo_variant import install_variant

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
STORES = ("sqlite", "postgres", "mariadb", pytest.param("mongo", marks=pytest.mark.slow))
_SMOKE = "tests/journeys/test_invoice.py"
"""The journey that MariaDB takes part in without the slow tests."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one store share a worker, so that they share a server; on MariaDB most are slow tests."""
    for item in items:
        store = getattr(item, "callspec", None) and item.callspec.params.get("store")  # type: ignore[attr-defined]
        if store:
            item.add_marker(pytest.mark.xdist_group(f"journeys-{store}"))
        if store == "mariadb" and not item.nodeid.startswith(_SMOKE):
            item.add_marker(pytest.mark.slow)


@contextmanager
def _database(store: str, folder: Path) -> Iterator[str]:
    if store == "sqlite":
        yield f"sqlite:///{folder / 'crm.db'}"
        return
    if store == "mariadb":
        yield from new_database(mariadb_address())
        return
    name = f"journey_{secrets.token_hex(6)}"
    if store == "mongo":
        yield urlsplit(os.environ[MONGODB])._replace(path=f"/{name}").geturl()
        drop_given_database(name)
        return
    asyncio.run(_administer(f"CREATE DATABASE {name}"))
    try:
        yield POSTGRES.rpartition("/")[0] + "/" + name
    finally:
        asyncio.run(_administer(f"DROP DATABASE {name} WITH (FORCE)"))


async def _administer(sql: str) -> None:
    connection = await asyncpg.connect(POSTGRES)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _environment(store: str, folder: Path) -> dict[str, str]:
    """The variables of an environment in which a store is installed."""
    return {"PYTHONPATH": str(install_variant(folder / "installed"))} if store == "mongo" else {}


@contextmanager
def _product(store: str, folder: Path) -> Iterator[Product]:
    with _database(store, folder) as url:
        product = Product(copy_crm(folder), url, _environment(store, folder))
        try:
            yield product
        finally:
            product.kill()


@pytest.fixture(scope="session", params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the store; while it is used, `MONGODB_URL` names its server."""
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "mongo":
            patched.setenv(MONGODB, request.getfixturevalue("mongodb_url"))
        yield str(request.param)


@pytest.fixture(scope="session")
def crm(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running CRM with one user of each kind; tests make their own documents in it."""
    with _product(store, tmp_path_factory.mktemp(f"crm-{store}")) as product:
        product.create_users()
        product.start()
        yield product


@pytest.fixture
def fresh_product(store: str, tmp_path: Path) -> Iterator[Callable[[], Product]]:
    """Makes CRMs with empty stores, not started, that the test may break."""
    open_products = []

    def make() -> Product:
        folder = tmp_path / secrets.token_hex(3)
        folder.mkdir()
        opened = _product(store, folder)
        open_products.append(opened)
        return opened.__enter__()

    yield make
    for opened in open_products:
        opened.__exit__(None, None, None)
