"""Writers wait for their turn, not for ever; a cancelled one leaves nothing behind and keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from framework_m_core.domain.errors import TransientError, VersionConflictError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.reader import QueryTemplate
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_testing.harness import StoreHarness

type Write = Callable[[StoreHarness], Awaitable[Any]]


async def _insert(store: StoreHarness) -> Any:
    return await store.store("Thing")


async def _lock(store: StoreHarness) -> None:
    handle = store.reader.prepare(QueryTemplate(store.registry.get("Thing"), ("id",), lock="share"))
    async with store.units(store.context) as unit:
        await unit.fetch(handle, ())


async def _allocate(store: StoreHarness) -> int:
    return await store.counter.allocate(store.context, "A")


async def _record(store: StoreHarness) -> None:
    async with store.units(store.context) as unit:
        unit.record(store.make_event(store.new("Thing"), 1))
        await unit.commit()


@pytest.mark.parametrize("write", [_insert, _lock, _allocate, _record])
async def test_a_turn_that_does_not_come_is_told_as_transient(store: StoreHarness, write: Write) -> None:
    async with store.units(store.context) as unit:
        await unit.repository("Thing").insert(store.new("Thing"))
        with pytest.raises(TransientError):
            await write(store)
        await unit.commit()
    await write(store)


async def test_updates_at_once_are_counted(store: StoreHarness) -> None:
    thing = await store.store("Thing", number=0)

    async def add() -> bool:
        async with store.units(store.context) as unit:
            found: Any = await unit.repository("Thing").get(thing.id)
            await asyncio.sleep(0)
            found.number += 1
            try:
                await unit.repository("Thing").update(found, expected_version=found.row_version)
            except VersionConflictError:
                return False
            await asyncio.sleep(0)
            await unit.commit()
            return True

    won = sum(await asyncio.gather(*(add() for _ in range(50))))
    final = await store.load("Thing", thing.id)
    assert (final.number, final.row_version) == (won, won + 1)
    assert won >= 1


async def test_a_row_that_is_read_for_update_is_counted_without_conflict(store: StoreHarness) -> None:
    thing = await store.store("Thing", number=0)
    where, parameters = parameterize(Comparison("id", "eq", thing.id))
    handle = store.reader.prepare(QueryTemplate(store.registry.get("Thing"), ("number",), where, lock="update"))

    async def add() -> None:
        async with store.units(store.context) as unit:
            ((number,),) = await unit.fetch(handle, parameters)
            await asyncio.sleep(0)
            await unit.repository("Thing").update_where(where_id, {"number": number + 1})
            await unit.commit()

    where_id = Comparison("id", "eq", thing.id)
    await asyncio.gather(*(add() for _ in range(50)))
    assert (await store.load("Thing", thing.id)).number == 50


async def test_writers_that_are_cancelled_anywhere_leave_the_turn_to_others(
    store: StoreHarness, database: MemoryDatabase
) -> None:
    async def work(kept: list[Any]) -> None:
        async with store.units(store.context) as unit:
            thing = await unit.repository("Thing").insert(store.new("Thing"))
            await asyncio.sleep(0)
            async with unit.savepoint():
                await unit.repository("Thing").insert(store.new("Thing", text="second"))
                await asyncio.sleep(0)
            kept.append(thing)
            await unit.commit()
            kept.append("committed")

    for pause in range(30):
        kept: list[list[Any]] = [[] for _ in range(4)]
        before = len(database.tables["Thing"].rows)
        tasks = [asyncio.create_task(work(one)) for one in kept]
        for _ in range(pause):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        committed = sum("committed" in one for one in kept)
        assert committed >= 2
        assert len(database.tables["Thing"].rows) == before + 2 * committed
    await store.store("Thing")


async def test_a_commit_of_what_has_its_turn_cannot_be_parted(store: StoreHarness) -> None:
    thing = store.new("Thing")

    async def work() -> None:
        async with store.units(store.context) as unit:
            await unit.repository("Thing").insert(thing)
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await unit.commit()

    await asyncio.gather(asyncio.create_task(work()), return_exceptions=True)
    assert await store.load("Thing", thing.id) == thing


async def test_numbers_of_a_unit_that_was_undone_are_given_again_and_others_wait_for_it(store: StoreHarness) -> None:
    async with store.units(store.context) as unit:
        assert await unit.allocate("A", 3) == 1
        waiting = asyncio.create_task(store.counter.allocate(store.context, "A"))
        await asyncio.sleep(0)
        assert not waiting.done()
        await unit.rollback()
    assert await waiting == 1
