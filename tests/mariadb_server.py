"""A MariaDB for tests: `TEST_MARIADB_URL`, else the one on 127.0.0.1:3306; where none answers, its tests are skipped.

No package brings its binaries, so unlike PostgreSQL it cannot be started by the run.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import asyncmy
import pytest
from asyncmy.errors import MySQLError

from framework_m_standard.sql.engine.mariadb.address import parse_address

VARIABLE = "TEST_MARIADB_URL"
LOCAL = "mariadb://root@127.0.0.1:3306/mysql"


def pytest_configure(config: pytest.Config) -> None:
    """Finds the server once per run; the workers inherit its address."""
    if not hasattr(config, "workerinput") and VARIABLE not in os.environ:
        with suppress(OSError, TimeoutError, MySQLError):
            asyncio.run(asyncio.wait_for(run_sql(LOCAL, "SELECT 1"), timeout=5))
            os.environ[VARIABLE] = LOCAL


def mariadb_address() -> str:
    """The address of the server, by a user who may create databases. Skips the test when there is none."""
    url = os.environ.get(VARIABLE)
    if url is None:
        pytest.skip(f"no MariaDB for the tests: set {VARIABLE}, or run one on 127.0.0.1:3306 (root without a password)")
    return url


@pytest.fixture(scope="session")
def mariadb_server() -> str:
    """The address of the server."""
    return mariadb_address()


def new_database(server: str) -> Iterator[str]:
    """Yields the address of an empty database, which is dropped in the end."""
    url = asyncio.run(create_database(server))
    try:
        yield url
    finally:
        asyncio.run(drop_database(url))


async def create_database(server: str) -> str:
    """The address of a new database that holds nothing."""
    name = f"test_{getpass.getuser()}_{secrets.token_hex(6)}"
    await run_sql(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return urlsplit(server)._replace(path=f"/{name}").geturl()


async def drop_database(url: str) -> None:
    """Drops a database by its address."""
    await run_sql(url, f"SET lock_wait_timeout = 10; DROP DATABASE {urlsplit(url).path[1:]}")


@pytest.fixture
def empty_mariadb_url(mariadb_server: str) -> Iterator[str]:
    """The address of a database of the test's own that holds nothing."""
    yield from new_database(mariadb_server)


@pytest.fixture(scope="module")  # DocTypes of two suites may have the same name
def _shared_database(mariadb_server: str) -> Iterator[str]:
    yield from new_database(mariadb_server)


@pytest.fixture
def mariadb_url(_shared_database: str) -> str:
    """The address of a database with tables of earlier tests of the module, without their rows and generation."""
    asyncio.run(_empty(_shared_database))
    return _shared_database


async def _empty(url: str) -> None:
    found = await run_sql(
        url,
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> 'm_schema'",
    )
    tables = [row[0] for row in found]
    emptied = [f"TRUNCATE `{name}`" if name == "activitylog" else f"DELETE FROM `{name}`" for name in tables]
    if tables:
        emptied.append("DELETE FROM m_schema WHERE name IN ('generation', 'events')")
        await run_sql(url, "; ".join(["SET foreign_key_checks = 0, lock_wait_timeout = 10", *emptied]))


async def run_sql(url: str, sql: str) -> list[tuple[object, ...]]:
    """Runs statements, each of which commits, and gives the rows of the last."""
    connection: Any = await asyncmy.connect(**parse_address(url), autocommit=True)
    try:
        await connection.query(sql)
        while connection._result.has_next:
            await connection.next_result()
        return list(connection._result.rows or ())
    finally:
        await connection.ensure_closed()
