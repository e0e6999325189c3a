"""PostgreSQL: a database for each contender, created for the run and dropped after it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from importlib import resources
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from benchmarks.dataset import PUT_PREFIX, Order
from benchmarks.errors import BenchmarkError

__all__ = ["PostgresDatabase", "PostgresServer"]

_CANDIDATES = (
    "postgresql://postgres@127.0.0.1:5432/postgres",
    "postgresql://root@127.0.0.1:5432/postgres",
)
# What a database administrator would add for the listing; every contender's table has it.
_PAGE_INDEX = 'CREATE INDEX bench_page ON "{table}" (owner, status, modified DESC)'


class PostgresServer:
    """The server that holds the databases of the contenders."""

    def __init__(self, url: str, version: str) -> None:
        self.url = url
        self.version = version

    @classmethod
    def find(cls) -> PostgresServer:
        """The server at `BENCH_POSTGRES_URL`, else the one on 127.0.0.1:5432."""
        given = os.environ.get("BENCH_POSTGRES_URL")
        errors = []
        for url in (given,) if given else _CANDIDATES:
            try:
                version = _run(url, lambda connection: connection.fetchval("SHOW server_version"))
            except (OSError, asyncpg.PostgresError) as error:
                errors.append(f"{url}: {error}")
            else:
                return cls(url, str(version))
        raise BenchmarkError("No PostgreSQL answers; start one or set BENCH_POSTGRES_URL.\n  " + "\n  ".join(errors))

    def create(self, key: str) -> PostgresDatabase:
        """An empty database of this process's own."""
        name = f"framework_m_bench_{os.getpid()}_{key}"

        async def work(connection: asyncpg.Connection) -> None:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{name}"')

        _run(self.url, work)
        return PostgresDatabase(self, name)

    def drop(self, name: str) -> None:
        """Remove a database that `create` made."""
        _run(
            self.url,
            lambda connection: connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'),
        )


class PostgresDatabase:
    """One contender's database."""

    kind = "postgres"

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.name = name
        self.url = urlunsplit(urlsplit(server.url)._replace(path=f"/{name}"))
        self._server = server

    def create_schema(self) -> None:
        """Make the tables of the baselines."""
        schema = resources.files("benchmarks.stores").joinpath("schema.sql").read_text()
        _run(self.url, lambda connection: connection.execute(schema))

    def fill(self, table: str, rows: Iterable[Order]) -> None:
        """Copy orders into `table`, whatever columns it has beyond the known ones being nullable."""

        async def work(connection: asyncpg.Connection) -> None:
            columns = await _fillable(connection, table)
            records = [tuple(row.column(column) for column in columns) for row in rows]
            await connection.copy_records_to_table(table, records=records, columns=columns)
            if not await _has_page_index(connection, table):
                await connection.execute(_PAGE_INDEX.format(table=table))
            await connection.execute(f'VACUUM ANALYZE "{table}"')

        _run(self.url, work)

    def insert(self, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows of the baselines' small tables."""
        _run(
            self.url,
            lambda connection: connection.copy_records_to_table(table, records=list(rows), columns=columns),
        )

    def count(self, table: str, prefix: str = "") -> int:
        """How many rows have a name that starts with `prefix`."""
        query = f'SELECT count(*) FROM "{table}" WHERE starts_with(name, $1)'
        return int(_run(self.url, lambda connection: connection.fetchval(query, prefix)))

    def versions(self, table: str) -> list[tuple[UUID, str, int]]:
        """Id, owner and version of the rows that PUT changes."""
        query = f'SELECT id, owner, _version FROM "{table}" WHERE starts_with(name, $1) ORDER BY name'
        rows = _run(self.url, lambda connection: connection.fetch(query, PUT_PREFIX))
        return [(row["id"], row["owner"], row["_version"]) for row in rows]

    def drop(self) -> None:
        """Remove the database."""
        self._server.drop(self.name)


async def _fillable(connection: asyncpg.Connection, table: str) -> list[str]:
    """The columns of `table` that an order has a value for, read from the table itself."""
    found = await connection.fetch(
        "SELECT column_name, is_nullable = 'NO' AND column_default IS NULL AS needed"
        " FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
        table,
    )
    if not found:
        raise BenchmarkError(f"The contender made no table called {table!r}.")
    names = {row["column_name"] for row in found}
    unknown = [row["column_name"] for row in found if row["needed"]]
    unknown = [name for name in unknown if not Order.has_column(name)]
    missing = [name for name in Order.essential_columns() if name not in names]
    if unknown or missing:
        raise BenchmarkError(
            f"Table {table!r} cannot be filled: columns that are NOT NULL and unknown here: "
            f"{unknown or 'none'}; columns expected and not there: {missing or 'none'}. "
            "Teach benchmarks/dataset.py about them."
        )
    return [row["column_name"] for row in found if Order.has_column(row["column_name"])]


async def _has_page_index(connection: asyncpg.Connection, table: str) -> bool:
    definitions = await connection.fetch(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = $1",
        table,
    )
    return any("(owner, status, modified DESC" in row["indexdef"] for row in definitions)


def _run[T](url: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    async def connected() -> T:
        connection = await asyncpg.connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())
