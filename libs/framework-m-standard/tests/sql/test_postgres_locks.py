"""Locks of rows on PostgreSQL: who reads for a change waits for who changes, and not for who links."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.reader import Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol

from ..services.orders import order_registry
from ..services.wiring import CONTEXT, Wired, wired


async def _fetch(shop: Wired, unit: UnitOfWorkProtocol, note: UUID, lock: Lock) -> None:
    where, values = parameterize(Comparison("id", "eq", note))
    await unit.fetch(
        shop.adapters.reader.prepare(QueryTemplate(shop.adapters.registry.get("Note"), ("id",), where, lock=lock)),
        values,
    )


async def test_two_who_have_linked_and_then_change_do_not_wait_for_each_other(postgres_url: str) -> None:
    """As a hook that books on the document that its own links to: with the stronger lock each would wait for the
    other, until the database ends one."""
    async with wired(postgres_url, order_registry()) as shop:
        note = (await shop.create("Note"))["id"]
        both_linked = asyncio.Barrier(2)

        async def book() -> None:
            async with shop.adapters.units(CONTEXT) as unit:
                await _fetch(shop, unit, note, "share")
                await both_linked.wait()
                await _fetch(shop, unit, note, "change")
                await unit.commit()

        await asyncio.gather(book(), book())


@pytest.mark.parametrize(("lock", "waits"), [("change", False), ("update", True)])
async def test_only_who_deletes_keeps_others_from_linking(postgres_url: str, lock: Lock, waits: bool) -> None:
    async with wired(postgres_url, order_registry()) as shop:
        note = (await shop.create("Note"))["id"]

        async def link() -> None:
            async with shop.adapters.units(CONTEXT) as unit:
                await _fetch(shop, unit, note, "share")

        async with shop.adapters.units(CONTEXT) as unit:
            await _fetch(shop, unit, note, lock)
            linking = asyncio.create_task(link())
            done, _ = await asyncio.wait([linking], timeout=0.3)
            assert bool(done) is not waits
        await linking
