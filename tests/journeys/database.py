"""What the database of a product holds, read past the product."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any
from uuid import UUID

import asyncpg

from tests.mariadb_server import run_sql

_ID_BYTES = 16


def read_rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement; an id is text or a UUID."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(sql).fetchall()
    if url.startswith("mariadb"):
        rows = asyncio.run(run_sql(url, f"SET sql_mode = 'ANSI_QUOTES'; {sql}"))
        return [tuple(map(_id_or_same, row)) for row in rows]
    return asyncio.run(_of_postgres(url, sql))


async def _of_postgres(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def _id_or_same(value: object) -> object:
    return UUID(bytes=value) if isinstance(value, bytes) and len(value) == _ID_BYTES else value
