"""On SQLite, a list that takes long neither keeps others waiting nor goes on for ever, with or without child rows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from framework_m_core.domain.errors import TransientError
from framework_m_core.services.query_parsing import ListRequest

from ..services.orders import order_snapshot
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
    async with wired(url, order_snapshot()) as shop:
        await _fill(shop, 3000)
    async with wired(url, order_snapshot(), statement_timeout=0.001) as shop:
        with pytest.raises(TransientError):
            await shop.queries.list(SCOPE, "Order", ListRequest(filters=NO_MATCH, fields=fields))
    async with wired(url, order_snapshot()) as shop:
        page = await shop.queries.list(SCOPE, "Order", ListRequest(fields=fields, limit=2))
        assert [len(order.get("lines", [0])) for order in page.items] == [1, 1]


async def test_others_are_served_meanwhile(tmp_path: Path) -> None:
    async with wired(f"sqlite:///{tmp_path / 'heavy.db'}", order_snapshot()) as shop:
        await _fill(shop, 8000)
        note = await shop.create("Note")
        slow = {"or": [{**NO_MATCH[0], "value": f"%a%b%c%d%e%f{number}"} for number in range(10)]}
        listing = asyncio.create_task(
            shop.queries.list(SCOPE, "Order", ListRequest(filters=slow, fields=("title", "lines")))
        )
        await asyncio.sleep(0)
        await shop.stored("Note", note["id"])
        assert not listing.done()
        assert not (await listing).items
