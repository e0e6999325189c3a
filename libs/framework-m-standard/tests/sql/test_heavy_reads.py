"""On SQLite, a list that takes long neither keeps others waiting nor goes on for ever, with or without child rows."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.domain.errors import TransientError
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver

from ..services.orders import order_registry
from ..services.wiring import SCOPE, Wired, wired

NO_MATCH = [{"field": "title", "operator": "ilike", "value": "%a%b%c%d%e%f"}]


async def _fill(shop: Wired, count: int) -> None:
    async with shop.adapters.units(SCOPE) as unit:
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
            await shop.queries.list(SCOPE, "Order", ListRequest(filters=NO_MATCH, fields=fields))
        page = await shop.queries.list(SCOPE, "Order", ListRequest(fields=fields, limit=2))
        assert [len(order.get("lines", [0])) for order in page.items] == [1, 1]


async def test_a_list_of_few_rows_that_each_take_long_is_ended_at_its_timeout(tmp_path: Path) -> None:
    """A search may take seconds in one long text, in which SQLite counts no step."""
    slow = [{"field": "text", "operator": "contains", "value": "a" * 499 + "b"}]
    url = f"sqlite:///{tmp_path / 'heavy.db'}"
    async with wired(url, order_registry(), statement_timeout_seconds=0.2) as shop:
        async with shop.adapters.units(SCOPE) as unit:
            for _ in range(30):
                await unit.repository("Note").insert(shop.adapters.new("Note", text="a" * 1_000_000))
            await unit.commit()
        async with asyncio.timeout(5):
            with pytest.raises(TransientError):
                await shop.queries.list(SCOPE, "Note", ListRequest(filters=slow, fields=("docstatus",)))


async def test_others_are_served_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list with rows is read in a thread of its own, which here waits until the others have been served."""
    others_served = threading.Event()
    in_thread = SqliteDriver._in_thread

    async def waits(driver: SqliteDriver, work: Any) -> Any:
        return await in_thread(driver, lambda connection: others_served.wait(20) and work(connection))

    monkeypatch.setattr(SqliteDriver, "_in_thread", waits)
    async with wired(f"sqlite:///{tmp_path / 'heavy.db'}", order_registry()) as shop:
        await _fill(shop, 3)
        note = await shop.create("Note")
        listing = asyncio.create_task(shop.queries.list(SCOPE, "Order", ListRequest(fields=("title", "lines"))))
        await asyncio.sleep(0.05)
        assert (await shop.stored("Note", note["id"]))["id"] == note["id"]
        assert not listing.done()
        others_served.set()
        assert [len(order["lines"]) for order in (await listing).items] == [1, 1, 1]
