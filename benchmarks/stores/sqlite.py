"""SQLite: a file for each contender, in the run's working folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from uuid import UUID

from benchmarks.dataset import BUSINESS_COLUMNS, Order
from benchmarks.errors import BenchmarkError

__all__ = ["FLOOR_COLUMNS", "SqliteDatabase"]

FLOOR_COLUMNS = (
    "id",
    "name",
    "owner",
    "creation",
    "modified",
    "docstatus",
    "_version",
    *BUSINESS_COLUMNS,
)

# What a database administrator would add for a listing; every contender's table has it.
_PAGE_INDEX = 'CREATE INDEX IF NOT EXISTS bench_page ON "{table}" (owner, status, modified DESC)'

# Text keeps decimals and datetimes as they travel, which is the least work at request time.
_FLOOR_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE sales_order (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
    creation TEXT NOT NULL, modified TEXT NOT NULL,
    docstatus INTEGER NOT NULL, _version INTEGER NOT NULL,
    customer TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, priority TEXT NOT NULL,
    company TEXT NOT NULL, currency TEXT NOT NULL, qty INTEGER NOT NULL,
    rate TEXT NOT NULL, amount TEXT NOT NULL, posting_date TEXT NOT NULL,
    is_paid INTEGER NOT NULL, notes TEXT
);
"""


class SqliteDatabase:
    """One contender's file."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def create_floor_schema(self) -> None:
        """Make the floor's table."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(_FLOOR_SCHEMA)

    def fill_floor(self, rows: Iterable[Order]) -> None:
        """Insert orders into the floor's table."""
        marks = ", ".join("?" * len(FLOOR_COLUMNS))
        statement = f"INSERT INTO sales_order ({', '.join(FLOOR_COLUMNS)}) VALUES ({marks})"
        records = (tuple(_as_text(row.column(name)) for name in FLOOR_COLUMNS) for row in rows)
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(statement, records)
            connection.execute(_PAGE_INDEX.format(table="sales_order"))

    def clone(self, table: str, seeds: dict[str, str], rows: Iterable[Order]) -> None:
        """Copy rows that the product itself wrote: only it knows how it stores a value.

        `seeds` gives for each title the name of a written row; a clone differs in id and name alone.
        """
        with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
            connection.row_factory = sqlite3.Row
            written = {title: dict(self._row(connection, table, name)) for title, name in seeds.items()}
            for row in rows:
                values = dict(written[row.business["title"]])
                values |= {"id": _like(values["id"], row.id), "name": row.name}
                values["owner"] = row.owner
                names = ", ".join(f'"{name}"' for name in values)
                marks = ", ".join("?" * len(values))
                connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', tuple(values.values()))
            connection.execute(_PAGE_INDEX.format(table=table))

    def count(self, table: str, prefix: str = "") -> int:
        """How many rows have a name that starts with `prefix`."""
        with closing(sqlite3.connect(self.path, timeout=30)) as connection:
            query = f'SELECT count(*) FROM "{table}" WHERE name GLOB ?'
            return int(connection.execute(query, (prefix + "*",)).fetchone()[0])

    def versions(self, table: str) -> list[tuple[UUID, str, int]]:
        """No PUT is measured on SQLite."""
        del table
        return []

    def drop(self) -> None:
        """Remove the file and its companions."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @staticmethod
    def _row(connection: sqlite3.Connection, table: str, name: str) -> sqlite3.Row:
        query = f'SELECT * FROM "{table}" WHERE name = ?'
        row: sqlite3.Row | None = connection.execute(query, (name,)).fetchone()
        if row is None:
            raise BenchmarkError(f"{name} was created, yet {table!r} does not hold it.")
        return row


def _as_text(value: object) -> object:
    if value is None or isinstance(value, int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _like(stored: object, value: UUID) -> object:
    """`value` in the form that the product stores ids in."""
    if isinstance(stored, bytes):
        return value.bytes
    if isinstance(stored, str):
        return str(value) if "-" in stored else value.hex
    raise BenchmarkError(f"Ids are stored as {type(stored).__name__}, which is unknown here.")
