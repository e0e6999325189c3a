"""The contenders that are not ours: the two floors, and FastAPI with the ORM on either store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID, uuid4

from benchmarks.contender import Database, Links, Workplace
from benchmarks.dataset import (
    CUSTOMER_NAMES,
    ITEM_NAMES,
    LISTED_STATUS,
    ORDER_PATH,
    OWNERS,
    PAGE,
    Order,
    orders,
    updatable,
)
from benchmarks.errors import NotRunError
from benchmarks.load.plan import Principal
from benchmarks.server import Server, free_port
from benchmarks.stores.postgres import PostgresDatabase, PostgresServer
from benchmarks.stores.sqlite import SqliteDatabase
from benchmarks.works import POSTGRES_WORKS, SQLITE_WORKS, Work

__all__ = ["Baseline", "FastapiPostgres", "FastapiSqlite", "FloorPostgres", "FloorSqlite"]

_ROOT = Path(__file__).parent.parent


class Baseline:
    """A server in `benchmarks/contenders`, on uvicorn, with neither identity nor permissions."""

    key: ClassVar[str]
    title: ClassVar[str]
    module: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    works: Sequence[Work]
    table = "sales_order"
    guarded = False

    def __init__(self, workplace: Workplace, database: Database) -> None:
        self.database = database
        self.links = Links()
        self.rows: list[Order] = []
        self._workplace = workplace
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", f"benchmarks.contenders.{self.module}:app"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        command += ["--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
        log = workplace.folder / f"{self.key}-{database.kind}.log"
        self.server = Server(command, _ROOT, {"DATABASE_URL": database.url}, port, log)

    @classmethod
    def require_packages(cls) -> None:
        """Say what is missing before anything is made."""
        missing = [name for name in cls.needs if find_spec(name) is None]
        if missing:
            raise NotRunError(f"not installed: {', '.join(missing)} (dependency group `bench`)")

    def prepare(self) -> None:
        """Make the schema, fill the tables, start the server."""
        self.rows = list(orders(self._workplace.rows, OWNERS))
        self.fill()
        self.server.start()

    def fill(self) -> None:
        """Make and fill the tables."""
        raise NotImplementedError

    def principals(self) -> Sequence[Principal]:
        """The users; a baseline believes whoever they claim to be."""
        return [Principal(owner, ("X-User-ID", owner)) for owner in OWNERS]

    def list_path(self, owner: str) -> str:
        """The owner is a filter like any other."""
        query = {"owner": owner, "status": LISTED_STATUS, "limit": PAGE}
        return f"{ORDER_PATH}?{urlencode(query)}"


class _OnPostgres(Baseline):
    database: PostgresDatabase

    @classmethod
    def create(cls, workplace: Workplace, server: PostgresServer) -> Baseline:
        """This contender with a database of its own."""
        cls.require_packages()
        return cls(workplace, server.create(cls.key))

    def fill(self) -> None:
        self.database.create_schema()
        self.database.fill(self.table, [*self.rows, *updatable(OWNERS)])
        customers = [(uuid4(), name, f"{name} Limited") for name in CUSTOMER_NAMES]
        items = [(uuid4(), name) for name in ITEM_NAMES]
        self.database.insert("customer", ("id", "name", "full_name"), customers)
        self.database.insert("item", ("id", "name"), items)
        self.database.insert("counter", ("prefix", "value"), [(f"INV-{datetime.now(UTC).year}-", 0)])
        self.links = Links(_ids(customers), _ids(items))


class FloorPostgres(_OnPostgres):
    """Bare ASGI and asyncpg."""

    key = "floor"
    title = "floor"
    module = "floor_postgres"
    needs = ("asyncpg", "msgspec", "uvloop", "httptools")
    works = tuple(work for work in POSTGRES_WORKS if work is not Work.INVOICE)


class FastapiPostgres(_OnPostgres):
    """FastAPI and the ORM on asyncpg."""

    key = "fastapi"
    title = "FastAPI + ORM"
    module = "fastapi_orm"
    needs = ("fastapi", "sqlalchemy", "greenlet", "asyncpg", "uvloop", "httptools")
    works = POSTGRES_WORKS


class _OnSqlite(Baseline):
    database: SqliteDatabase
    works = SQLITE_WORKS

    @classmethod
    def create(cls, workplace: Workplace) -> Baseline:
        """This contender with a file of its own."""
        cls.require_packages()
        return cls(workplace, SqliteDatabase(workplace.folder / f"{cls.key}.sqlite"))


class FloorSqlite(_OnSqlite):
    """Bare ASGI and sqlite3 on the loop's thread."""

    key = "floor"
    title = "floor"
    module = "floor_sqlite"
    needs = ("msgspec", "uvloop", "httptools")

    def fill(self) -> None:
        self.database.create_floor_schema()
        self.database.fill_floor(self.rows)


class FastapiSqlite(_OnSqlite):
    """FastAPI and the ORM on aiosqlite."""

    key = "fastapi"
    title = "FastAPI + ORM"
    module = "fastapi_orm"
    needs = ("fastapi", "sqlalchemy", "greenlet", "aiosqlite", "uvloop", "httptools")

    def fill(self) -> None:
        asyncio.run(_fill_through_orm(self.database.url, self.rows))


async def _fill_through_orm(url: str, rows: Sequence[Order]) -> None:
    """Let SQLAlchemy make and fill its tables: only it knows how it stores a value on SQLite."""
    from sqlalchemy import insert  # here, because the group `bench` may be missing

    from benchmarks.contenders.orm_engine import make_engine
    from benchmarks.contenders.orm_models import Tables

    table = Tables.metadata.tables["sales_order"]
    engine = make_engine(url)
    columns = [column.name for column in table.columns]
    async with engine.begin() as connection:
        await connection.run_sync(Tables.metadata.create_all)
        records = [{column: row.column(column) for column in columns} for row in rows]
        await connection.execute(insert(table), records)
    await engine.dispose()


def _ids(rows: Sequence[tuple[UUID, *tuple[str, ...]]]) -> list[str]:
    return [str(row[0]) for row in rows]
