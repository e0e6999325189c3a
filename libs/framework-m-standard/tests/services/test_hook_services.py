"""Hooks that call services: the calls join the write's unit, are undone with it, and alone when the hook catches."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.domain.errors import (
    DuplicateValueError,
    EntityNotFoundError,
    FrameworkError,
    LinkedDocumentError,
    TransientError,
    ValidationError,
)

from .orders import Hooks, order_registry
from .wiring import SCOPE, Wired, wired


@pytest.mark.parametrize("hook", ["validate", "before_save", "after_save", "after_insert"])
async def test_other_documents_are_created_changed_and_deleted_with_the_write(
    shop: Wired, hooks: Hooks, hook: str
) -> None:
    changed, gone = await shop.create("Note", text="old"), await shop.create("Note")

    async def works(controller: Any) -> None:
        documents = controller.documents
        made = await documents.create("Note", {"text": "made"})
        assert (await documents.get("Note", made["id"]))["text"] == "made"
        await documents.update("Note", changed["id"], {"text": "new"})
        assert (await documents.get("Note", changed["id"]))["_version"] == 2
        await documents.delete("Note", gone["id"])
        with pytest.raises(EntityNotFoundError):
            await documents.get("Note", gone["id"])
        controller.doc.extra["made"] = str(made["id"])

    hooks[hook] = works
    order = await shop.create("Order")
    made = (await shop.stored("Order", order["id"]))["extra"].get("made")
    assert (await shop.stored("Note", changed["id"]))["text"] == "new"
    assert await shop.count("Note") == 2
    assert (made is not None) is hook.startswith(("validate", "before"))
    assert [entry.action for entry in await shop.audits("Note", gone["id"])] == ["create", "delete"]
    assert [event.type for event in await shop.events(changed["id"])] == ["doc.created", "doc.updated"]


async def test_hooks_list_what_their_write_has_made_so_far(shop: Wired, hooks: Hooks) -> None:
    for number in range(3):
        await shop.create("Note", number=number)
    seen: list[Any] = []

    async def lists(controller: Any) -> None:
        await controller.documents.create("Note", {"number": 9})
        filters = [{"field": "number", "operator": "gte", "value": 1}]
        page = await controller.documents.list("Note", filters, order_by=["-number"], fields=["number"], limit=2)
        seen.append(([note["number"] for note in page.items], page.has_more))

    hooks["validate"] = lists
    await shop.create("Order")
    assert seen == [([9, 2], True)]


async def test_a_lock_needs_a_unit_to_hold_it(shop: Wired) -> None:
    note = await shop.create("Note")
    with pytest.raises(FrameworkError, match="expected a unit of work"):
        await shop.documents.client_for(SCOPE).get("Note", note["id"], for_update=True)


@pytest.mark.parametrize("failing", ["create", "update", "delete", "hook"])
async def test_a_nested_failure_that_is_caught_is_undone_alone(shop: Wired, hooks: Hooks, failing: str) -> None:
    await shop.create("Note", code="taken")
    note = await shop.create("Note", text="old")
    customer = await shop.create("Customer", name="linked")
    await shop.create("Note", customer=str(customer["id"]))

    async def tries(controller: Any) -> None:
        documents = controller.documents
        if controller.doc.title == "inner":
            await documents.create("Note", {"text": "of the inner order"})
            raise ZeroDivisionError
        await documents.create("Note", {"text": "kept, before"})
        with suppress(DuplicateValueError, LinkedDocumentError, ZeroDivisionError):
            await {
                "create": lambda: documents.create("Note", {"code": "taken"}),
                "update": lambda: documents.update("Note", note["id"], {"code": "taken"}),
                "delete": lambda: documents.delete("Customer", customer["id"]),
                "hook": lambda: documents.create("Order", {"title": "inner"}),
            }[failing]()
            pytest.fail("it should have failed")
        await documents.create("Note", {"text": "kept, after"})

    hooks["after_save"] = tries
    await shop.create("Order", title="outer")
    found = await shop.dump()
    texts = sorted(str(row) for row in found["note"])
    assert len(texts) == 5
    assert not any("of the inner order" in text for text in texts)
    assert len(found["order"]) == 1
    assert len(found["activitylog"]) == len(found["m_outbox"]) == 7
    assert (await shop.stored("Note", note["id"]))["_version"] == 1
    await shop.assert_usable()


async def test_a_nested_failure_that_is_not_caught_undoes_everything(shop: Wired, hooks: Hooks) -> None:
    await shop.create("Note", code="taken")
    before = await shop.dump()

    async def fails(controller: Any) -> None:
        await controller.documents.create("Note", {"text": "first"})
        await controller.documents.create("Note", {"code": "taken"})

    hooks["validate"] = fails
    with pytest.raises(DuplicateValueError):
        await shop.create("Order")
    assert await shop.dump() == before


async def test_hooks_of_hooks_run_and_are_undone_together(shop: Wired, hooks: Hooks) -> None:
    async def descends(controller: Any) -> None:
        depth = controller.doc.number
        if depth == 0:
            raise ZeroDivisionError
        await controller.documents.create("Order", {"number": depth - 1})

    before = await shop.dump()
    hooks["after_save"] = descends
    with pytest.raises(ZeroDivisionError):
        await shop.create("Order", number=10)
    assert await shop.dump() == before

    async def stops(controller: Any) -> None:
        if controller.doc.number:
            await descends(controller)

    hooks["after_save"] = stops
    await shop.create("Order", number=10)
    assert await shop.count("Order") == 11


@pytest.mark.parametrize("hook", ["validate", "after_save"])
async def test_a_recursion_without_end_is_an_error_and_undone(shop: Wired, hooks: Hooks, hook: str) -> None:
    order = await shop.create("Order")
    before = await shop.dump()

    async def again(controller: Any) -> None:
        await controller.documents.update("Order", controller.doc.id, {"number": controller.doc.number + 1})

    hooks[hook] = again
    with pytest.raises((FrameworkError, RecursionError)):
        await shop.documents.update(SCOPE, "Order", order["id"], {"title": "t"})
    assert await shop.dump() == before
    await shop.assert_usable()


async def test_a_hook_that_changes_its_own_document_conflicts_or_is_answered(shop: Wired, hooks: Hooks) -> None:
    """Before the save the two changes collide; after it the second is done, and the answer is what both made."""
    order = await shop.create("Order")
    before = await shop.dump()

    async def once(controller: Any) -> None:
        if controller.doc.number == 0:
            await controller.documents.update("Order", controller.doc.id, {"number": 1})

    hooks["before_save"] = once
    with pytest.raises(FrameworkError):
        await shop.documents.update(SCOPE, "Order", order["id"], {"title": "t"})
    assert await shop.dump() == before
    hooks.clear()
    hooks["after_save"] = once
    answer = await shop.documents.update(SCOPE, "Order", order["id"], {"title": "t"})
    assert answer == await shop.stored("Order", order["id"])
    assert (answer["title"], answer["number"], answer["_version"]) == ("t", 1, 3)


@pytest.mark.parametrize("hook", ["validate", "after_save"])
async def test_numbered_documents_are_made_by_any_number_of_hooks_at_once(
    database_url: str, hooks: Hooks, hook: str
) -> None:
    """More than there are connections; a number is never given twice."""

    async def numbers(controller: Any) -> None:
        await controller.documents.create("Note", {})
        await asyncio.sleep(0.01)
        await controller.documents.create("Ticket", {})

    async with wired(database_url, order_registry(), pool_size=3, lock_timeout_seconds=2) as shop:
        hooks[hook] = numbers
        async with asyncio.timeout(10):
            await asyncio.gather(*(shop.create("Order") for _ in range(12)), *(shop.create("Ticket") for _ in range(8)))
        async with shop.adapters.units(SCOPE) as unit:
            names = [ticket.name async for ticket in unit.repository("Ticket").stream()]
        assert len(set(names)) == 20


async def test_elevated_calls_join_too_and_leave_their_reason(shop: Wired, hooks: Hooks) -> None:
    made = []

    async def elevates(controller: Any) -> None:
        made.append(await controller.documents.elevated("stock is everybody's").create("Note", {}))
        if controller.doc.title == "bad":
            raise ZeroDivisionError

    hooks["validate"] = elevates
    with pytest.raises(ZeroDivisionError):
        await shop.create("Order", title="bad")
    assert await shop.count("Note") == 0
    await shop.create("Order")
    (entry,) = await shop.audits("Note", made[1]["id"])
    assert (entry.actor, entry.reason) == ("system", "stock is everybody's")
    assert made[1]["owner"] == "system"


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
    ended = asyncio.Event()

    async def hangs(controller: Any) -> None:
        await ended.wait()

    async with wired(database_url, order_registry(), lock_timeout_seconds=0.1) as shop:
        hooks["after_save"] = hangs
        hanging = asyncio.create_task(shop.create("Order"))
        await asyncio.sleep(0.05)
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
    writing = asyncio.create_task(shop.documents.update(SCOPE, "Order", order["id"], {"title": "new"}))
    await reached.wait()
    async with asyncio.timeout(1):
        assert (await shop.stored("Order", order["id"]))["title"] == "old"
    go_on.set()
    await writing
    assert (await shop.stored("Order", order["id"]))["title"] == "new"


async def test_a_service_call_with_a_foreign_reference_is_a_clear_error(shop: Wired, hooks: Hooks) -> None:
    async def asks(controller: Any) -> None:
        with pytest.raises(EntityNotFoundError):
            await controller.documents.get("Note", uuid4())
        with pytest.raises(FrameworkError):
            await controller.documents.create("Nothing", {})
        with pytest.raises(ValidationError):
            await controller.documents.create("Note", {"number": "lots"})
        await controller.documents.create("Note", {})

    hooks["validate"] = asks
    await shop.create("Order")
    assert (await shop.count("Order"), await shop.count("Note")) == (1, 1)
