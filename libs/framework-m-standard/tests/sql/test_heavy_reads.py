"""On SQLite, a list that takes long neither keeps others waiting nor goes on for ever, with or without child rows."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.domain.errors import TransientError
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.store import SqlStore

from ..services.orders import order_registry
from ..services.wiring import CONTEXT, Wired, wired
from .wiring import sql_store

NO_MATCH = [{"field": "title", "operator": "ilike", "value": "%a%b%c%d%e%f"}]


async def _fill(shop: Wired, count: int) -> None:
    async with shop.adapters.units(CONTEXT) as unit:
        orders = unit.repository("Order")
        for number in range(count):
            await orders.insert(shop.adapters.new("Order", title="abcde" * 8, lines=[{"text": str(number)}]))
        await unit.commit()


@pytest.mark.parametrize("fields", [("title",), ("title", "lines")])
async def test_a_long_list_is_ended_at_its_timeout(tmp_path: Path, fields: tuple[str, ...]) -> None:
    url = f"sqlite:///{tmp_path / 'heavy.db'}"
    async with wired(url, order_registry()) as shop:
        await _fill(shop, 9000)
    async with wired(url, order_registry(), statement_timeout_seconds=0.001) as shop:
        with pytest.raises(TransientError):
            await shop.queries.list(CONTEXT, "Order", ListRequest(filters=NO_MATCH, fields=fields))
        page = await shop.queries.list(CONTEXT, "Order", ListRequest(fields=fields, limit=2))
        assert [len(order.get("lines", [0])) for order in page.items] == [1, 1]


async def test_a_list_of_few_rows_that_each_take_long_is_ended_at_its_timeout(tmp_path: Path) -> None:
    """A search may take seconds in one long text, in which SQLite counts no step."""
    slow = [{"field": "text", "operator": "contains", "value": "a" * 499 + "b"}]
    url = f"sqlite:///{tmp_path / 'heavy.db'}"
    async with wired(url, order_registry(), statement_timeout_seconds=0.2) as shop:
        async with shop.adapters.units(CONTEXT) as unit:
            for _ in range(30):
                await unit.repository("Note").insert(shop.adapters.new("Note", text="a" * 1_000_000))
            await unit.commit()
        async with asyncio.timeout(5):
            with pytest.raises(TransientError):
                await shop.queries.list(CONTEXT, "Note", ListRequest(filters=slow, fields=("docstatus",)))


async def test_others_are_served_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list with rows is read in a thread of its own, which here waits until the others have been served."""
    begun, others_served = threading.Event(), threading.Event()
    in_thread = SqliteDriver._in_thread

    def held(work: Any, connection: Any) -> Any:
        begun.set()
        return others_served.wait(20) and work(connection)

    async def waits(driver: SqliteDriver, work: Any) -> Any:
        return await in_thread(driver, partial(held, work))

    monkeypatch.setattr(SqliteDriver, "_in_thread", waits)
    async with wired(f"sqlite:///{tmp_path / 'heavy.db'}", order_registry()) as shop:
        await _fill(shop, 3)
        note = await shop.create("Note")
        listing = asyncio.create_task(shop.queries.list(CONTEXT, "Order", ListRequest(fields=("title", "lines"))))
        assert await asyncio.to_thread(begun.wait, 10)
        assert (await shop.stored("Note", note["id"]))["id"] == note["id"]
        assert not listing.done()
        others_served.set()
        assert [len(order["lines"]) for order in (await listing).items] == [1, 1, 1]


class HeldRead:
    """A read that has begun, sees one state of the file, and ends on request."""

    def __init__(self, driver: SqliteDriver) -> None:
        self.begun, self.end = threading.Event(), threading.Event()
        self.task = asyncio.create_task(driver._in_thread(self._hold))

    def _hold(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        self.begun.set()
        self.end.wait(20)

    async def has_begun(self) -> bool:
        """Whether it begins within a moment."""
        return await asyncio.to_thread(self.begun.wait, 0.2)


async def test_reads_that_overlap_do_not_let_the_log_grow(tmp_path: Path) -> None:
    """Without a pause between them the write-ahead log is never emptied, and it grew to gigabytes."""
    log = tmp_path / "heavy.db-wal"
    url = f"sqlite:///{tmp_path / 'heavy.db'}"
    async with wired(url, order_registry()) as shop:
        await shop.create("Note")
    async with sql_store(url, order_registry(), max_sqlite_wal_mb=1) as store:
        driver = store.global_driver
        assert isinstance(driver, SqliteDriver)
        sizes, held = [], HeldRead(driver)
        for _ in range(4):
            assert await asyncio.to_thread(held.begun.wait, 10)
            await _write(store, 3_000_000)
            assert log.stat().st_size > 1_000_000
            following = HeldRead(driver)
            assert not await following.has_begun(), "it waits for the ones before it"
            await _write(store, 1)
            held.end.set()
            assert await asyncio.to_thread(following.begun.wait, 10)
            sizes.append(log.stat().st_size)
            held = following
        held.end.set()
        await held.task
    assert max(sizes) <= 1_000_000


async def _write(store: SqlStore, size: int) -> None:
    text = "x" * size
    await store.global_driver.write(Statement(f"UPDATE note SET text = '{text}'"), ())


async def test_endless_searches_leave_room_for_lists(tmp_path: Path) -> None:
    async with sql_store(f"sqlite:///{tmp_path / 'heavy.db'}", order_registry()) as store:
        driver = store.global_driver
        assert isinstance(driver, SqliteDriver)
        held = [HeldRead(driver) for _ in range(SqlReader(store).heavy_reads)]
        for one in held:
            assert await asyncio.to_thread(one.begun.wait, 10)
        listing = Statement("SELECT count(*) FROM sqlite_master", heavy=True)
        async with asyncio.timeout(10):
            assert await driver.fetch(listing, ())
        for one in held:
            one.end.set()
            await one.task
