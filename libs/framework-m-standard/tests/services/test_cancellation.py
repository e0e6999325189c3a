"""A write that is cancelled, at whichever await point: all of it or nothing is stored, and the store goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework_m_core.domain.errors import FrameworkError

from .interruption import Moment, cancelled_at
from .orders import Hooks, order_registry
from .test_hooks import prepared
from .wiring import CONTEXT, Wired, wired

MOMENTS: list[Moment] = ["waiting", "answered"]
MAX_POINTS = 200


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("action", ["create", "update", "purge"])
async def test_a_write_cancelled_anywhere_is_whole_or_not_there(
    database_url: str, hooks: Hooks, action: str, moment: Moment
) -> None:
    """With hooks that write beside it; the connections of a small pool are all there afterwards."""

    async def works(controller: Any) -> None:
        await asyncio.sleep(0)
        note = await controller.documents.create("Note", {"text": "beside"})
        await controller.documents.update("Note", note["id"], {"number": 1})

    hooks["validate"] = hooks["after_save"] = hooks["before_delete"] = works
    undone = 0
    async with wired(database_url, order_registry(), pool_size=2, lock_timeout_seconds=2) as shop:
        for number in range(1, MAX_POINTS):
            write = await prepared(shop, action)
            before = await shop.dump()
            reached, outcome = await cancelled_at(write(), number, moment)
            after = await shop.dump()
            if not reached:
                break
            assert isinstance(outcome, (asyncio.CancelledError, dict, type(None))), outcome
            if after == before:
                undone += 1
            else:
                assert _grown(before, after) == _WHOLE[action]
            async with asyncio.timeout(2):
                await asyncio.gather(*(shop.create("Note") for _ in range(3)))
        else:
            pytest.fail("the write never ended")
    assert undone >= 1, "no await point was reached"


_WHOLE = {
    "create": {"order": 1, "order__lines": 2, "note": 2, "activitylog": 5, "m_outbox": 5},
    "update": {"order": 0, "order__lines": -1, "note": 2, "activitylog": 5, "m_outbox": 5},
    "purge": {"order": -1, "order__lines": -2, "note": 1, "activitylog": 3, "m_outbox": 3},
}
"""By how many rows the tables grow when a write is done."""


def _grown(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, int]:
    tables = ("order", "order__lines", "note", "activitylog", "m_outbox")
    return {name: len(after[name]) - len(before[name]) for name in tables}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_reads_that_are_cancelled_lose_no_connection(database_url: str, moment: Moment) -> None:
    async with wired(database_url, order_registry(), pool_size=2, lock_timeout_seconds=2) as shop:
        order = await shop.create("Order", lines=[{"text": "a"}])
        for number in range(1, MAX_POINTS):
            reached, _ = await cancelled_at(shop.stored("Order", order["id"]), number, moment)
            if not reached:
                break
        async with asyncio.timeout(2):
            found = await asyncio.gather(*(shop.stored("Order", order["id"]) for _ in range(6)))
        assert found == [found[0]] * 6


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_commit_cancelled_in_its_midst_leaves_a_truth_that_can_be_read(shop: Wired, moment: Moment) -> None:
    """Once the commit has begun it ends, and only then is the cancellation passed on."""
    for number in range(1, MAX_POINTS):
        thing: dict[str, Any] = {}

        async def commits(thing: dict[str, Any] = thing, number: int = number) -> bool:
            async with shop.adapters.units(CONTEXT) as unit:
                note = shop.adapters.new("Note", text="x")
                thing["id"] = note.id
                await unit.repository("Note").insert(note)
                unit.audit(shop.adapters.make_entry(note, 1))
                unit.record(shop.adapters.make_event(note, 1))
                reached, outcome = await cancelled_at(unit.commit(), number, moment)
                if reached:
                    assert isinstance(outcome, asyncio.CancelledError)
                return reached

        reached = await commits()
        assert await shop.adapters.load("Note", thing["id"]) is not None
        found = await shop.dump()
        assert len(found["note"]) == len(found["activitylog"]) == len(found["m_outbox"]) == number
        if not reached:
            return
    pytest.fail("the commit never ended")


async def test_a_write_that_waits_for_its_turn_can_be_cancelled(shop: Wired, hooks: Hooks) -> None:
    """And those that wait behind it get theirs."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(controller: Any) -> None:
        reached.set()
        await go_on.wait()

    hooks["after_save"] = slow
    order = await shop.documents.create(CONTEXT.elevated("no hook yet"), "Note", {"text": "old"})
    holder = asyncio.create_task(shop.create("Order"))
    await reached.wait()
    waiting = [asyncio.create_task(shop.create("Order")) for _ in range(5)]
    updating = [
        asyncio.create_task(shop.documents.update(CONTEXT, "Note", order["id"], {"number": n})) for n in range(5)
    ]
    await asyncio.sleep(0.05)
    for task in (*waiting[:3], *updating[:3]):
        task.cancel()
    go_on.set()
    async with asyncio.timeout(5):
        results = await asyncio.gather(holder, *waiting, *updating, return_exceptions=True)
    assert all(isinstance(result, (dict, asyncio.CancelledError, FrameworkError)) for result in results)
    assert all(isinstance(result, dict) for result in (results[0], *results[4:6]))
    await shop.assert_usable()
