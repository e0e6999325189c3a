"""Services of hooks that are called at once, late, slowly or without an end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from framework_m_core.domain.errors import (
    FrameworkError,
    TransientError,
)

from .orders import Hooks, order_registry
from .wiring import CONTEXT, Wired, wired


async def test_calls_at_once_are_all_done_or_all_undone(shop: Wired, hooks: Hooks) -> None:
    """Calls of one hook run one after the other, also when it starts them together."""

    async def together(controller: Any) -> None:
        await asyncio.gather(*(controller.documents.create("Note", {"number": number}) for number in range(5)))

    hooks["after_save"] = together
    await shop.create("Order")
    assert await shop.count("Note") == 5
    await shop.assert_usable()


async def test_calls_at_once_of_which_one_fails_leave_whole_documents(shop: Wired, hooks: Hooks) -> None:
    await shop.create("Note", code="taken")

    async def together(controller: Any) -> None:
        calls = [controller.documents.create("Note", {"code": code}) for code in ("a", "taken", "b")]
        await asyncio.gather(*calls, return_exceptions=True)

    hooks["validate"] = together
    await shop.create("Order")
    found = await shop.dump()
    assert len(found["note"]) == 3
    assert len(found["activitylog"]) == len(found["m_outbox"]) == 4
    await shop.assert_usable()


async def test_a_door_kept_after_the_end_is_closed(shop: Wired, hooks: Hooks) -> None:
    kept: list[Any] = []

    async def keeps(controller: Any) -> None:
        kept.append(controller)
        if controller.doc.title == "bad":
            raise ZeroDivisionError

    hooks["validate"] = keeps
    order = await shop.create("Order")
    with pytest.raises(ZeroDivisionError):
        await shop.create("Order", title="bad")
    before = await shop.dump()
    for controller in kept:
        documents = controller.documents
        for call in (
            lambda documents=documents: documents.create("Note", {}),
            lambda documents=documents: documents.get("Order", order["id"]),
            lambda documents=documents: documents.update("Order", order["id"], {"title": "late"}),
            lambda documents=documents: documents.delete("Order", order["id"]),
            lambda documents=documents: documents.elevated("late").create("Note", {}),
            lambda controller=controller: shop.documents.create(controller.context, "Note", {}),
            lambda controller=controller: shop.documents.get(controller.context, "Order", order["id"]),
        ):
            with pytest.raises(FrameworkError, match="closed"):
                await call()
    assert await shop.dump() == before
    await shop.assert_usable()


async def test_a_task_that_outlives_its_hook_harms_nothing(shop: Wired, hooks: Hooks) -> None:
    """Started by a hook and left alone, it runs on while the write goes on and ends."""
    tasks: list[asyncio.Task[Any]] = []

    async def starts(controller: Any) -> None:
        async def late() -> None:
            for number in range(20):
                await controller.documents.create("Note", {"number": number})
                await asyncio.sleep(0)

        tasks.append(asyncio.create_task(late()))
        await asyncio.sleep(0)

    hooks["before_save"] = hooks["after_save"] = starts
    with suppress(FrameworkError):
        await shop.create("Order", lines=[{"text": "a"}])
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, FrameworkError) for result in results)
    found = await shop.dump()
    assert len(found["order"]) == len(found["order__lines"])
    assert len(found["activitylog"]) == len(found["m_outbox"]) == len(found["order"]) + len(found["note"])
    await shop.assert_usable()


async def test_a_slow_hook_makes_others_wait_and_then_succeed(shop: Wired, hooks: Hooks) -> None:
    async def slow(controller: Any) -> None:
        await asyncio.sleep(0.3)

    hooks["after_save"] = slow
    async with asyncio.timeout(5):
        await asyncio.gather(shop.create("Order"), *(shop.create("Note") for _ in range(10)))
    assert (await shop.count("Order"), await shop.count("Note")) == (1, 10)


async def test_a_hook_that_does_not_end_is_not_waited_for_for_ever(database_url: str, hooks: Hooks) -> None:
    """Others' writes give up after the lock timeout, where the store has one writer, and the store goes on."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hangs(controller: Any) -> None:
        begun.set()
        await ended.wait()

    async with wired(database_url, order_registry(), lock_timeout_seconds=0.1) as shop:
        hooks["after_save"] = hangs
        hanging = asyncio.create_task(shop.create("Order"))
        await begun.wait()
        results = await asyncio.gather(*(shop.create("Note") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(result, (dict, TransientError)) for result in results)
        ended.set()
        await hanging
        assert await shop.count("Order") == 1
        await shop.assert_usable()


async def test_readers_do_not_wait_for_a_slow_hook(shop: Wired, hooks: Hooks) -> None:
    order = await shop.create("Order", title="old", lines=[{}])
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(controller: Any) -> None:
        reached.set()
        await go_on.wait()

    hooks["after_save"] = slow
    writing = asyncio.create_task(shop.documents.update(CONTEXT, "Order", order["id"], {"title": "new"}))
    await reached.wait()
    async with asyncio.timeout(1):
        assert (await shop.stored("Order", order["id"]))["title"] == "old"
    go_on.set()
    await writing
    assert (await shop.stored("Order", order["id"]))["title"] == "new"
