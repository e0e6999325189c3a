"""Hooks that call services: the calls join the write's unit, are undone with it, and alone when the hook catches."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.domain.errors import (
    ControllerError,
    DuplicateValueError,
    EntityNotFoundError,
    FrameworkError,
    LinkedDocumentError,
    ValidationError,
)
from framework_m_core.services.documents.writing.write import DELETE, UPDATE

from .orders import Hooks, order_registry
from .wiring import CONTEXT, Wired, wired


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
        if is_early:
            controller.doc.extra["made"] = str(made["id"])

    is_early = hook.startswith(("validate", "before"))
    hooks[hook] = works
    order = await shop.create("Order")
    made = (await shop.stored("Order", order["id"]))["extra"].get("made")
    assert (await shop.stored("Note", changed["id"]))["text"] == "new"
    assert await shop.count("Note") == 2
    assert (made is not None) is is_early
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
    with pytest.raises(FrameworkError, match="unit of work"):
        await shop.documents.client_for(CONTEXT).get("Note", note["id"], for_update=True)


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


async def test_a_recursion_without_end_is_an_error_of_its_hook_and_undone(shop: Wired, hooks: Hooks) -> None:
    order = await shop.create("Order")
    before = await shop.dump()

    async def again(controller: Any) -> None:
        await controller.documents.update("Order", controller.doc.id, {"number": controller.doc.number + 1})

    async def another(controller: Any) -> None:
        await controller.documents.create("Order", {"number": controller.doc.number + 1})

    for recursion in (again, another):
        hooks["after_save"] = recursion
        with pytest.raises(ControllerError) as refused:
            await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "t"})
        assert refused.value.details["running"] == "Order.after_save", recursion
        assert await shop.dump() == before, recursion
    del hooks["after_save"]
    await shop.assert_usable()


async def _writes(shop: Wired, controller: Any, how: str) -> None:
    """Change the controller's own document in one of the ways that there are."""
    id, documents = controller.doc.id, controller.documents
    match how:
        case "name":
            await documents.update("Order", controller.doc.name, {"number": 1})
        case "elevated":
            await documents.elevated("a test").update("Order", id, {"number": 1})
        case "service":
            await shop.documents.update(controller.context, "Order", id, {"number": 1})
        case _:
            await getattr(documents, how)("Order", id, *([{"number": 1}] if how == "update" else []))


HOWS = ["update", "submit", "delete", "name", "elevated", "service"]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("hook", ["validate", "before_save", "before_delete"])
async def test_a_hook_before_the_save_that_writes_its_own_document_is_refused(
    shop: Wired, hooks: Hooks, hook: str, how: str
) -> None:
    """By its name and once: neither is it another's conflict, nor would it help to try again."""
    order, runs = await shop.create("Order"), list[str]()
    before = await shop.dump()

    async def writes(controller: Any) -> None:
        runs.append(hook)
        await _writes(shop, controller, how)

    hooks[hook] = writes
    operation, values = (DELETE, {}) if hook == "before_delete" else (UPDATE, {"title": "t"})
    with pytest.raises(ControllerError) as refused:
        await shop.documents.write(CONTEXT, "Order", operation, order["id"], values)
    assert (refused.value.code, refused.value.details["running"]) == ("controller_error", f"Order.{hook}")
    assert runs == [hook]
    assert await shop.dump() == before


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("hook", ["validate", "before_insert", "before_save"])
async def test_a_hook_that_writes_its_own_document_before_it_is_created_is_refused(
    shop: Wired, hooks: Hooks, hook: str, how: str
) -> None:
    before = await shop.dump()

    async def writes(controller: Any) -> None:
        await _writes(shop, controller, how)

    hooks[hook] = writes
    with pytest.raises(ControllerError) as refused:
        await shop.create("Order")
    assert refused.value.details["running"] == f"Order.{hook}"
    assert await shop.dump() == before


async def test_a_document_is_not_written_by_the_hooks_of_those_that_its_hook_writes(shop: Wired, hooks: Hooks) -> None:
    order, other = await shop.create("Order"), await shop.create("Order")
    before = await shop.dump()

    async def writes_the_other(controller: Any) -> None:
        wanted = other if controller.doc.id == order["id"] else order
        await controller.documents.update("Order", wanted["id"], {"number": 1})

    hooks["before_save"] = writes_the_other
    with pytest.raises(ControllerError):
        await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "t"})
    assert await shop.dump() == before


@pytest.mark.parametrize("how", ["update", "name", "elevated", "service"])
@pytest.mark.parametrize("write", ["create", "update", "submit"])
async def test_a_hook_after_the_save_writes_its_own_document_and_the_answer_is_what_both_made(
    shop: Wired, hooks: Hooks, write: str, how: str
) -> None:
    order = {} if write == "create" else await shop.create("Order", title="t")

    async def once(controller: Any) -> None:
        del hooks["after_save"]
        if write == "submit":
            await controller.documents.update("Order", controller.doc.id, {"remark": "seen"})
        else:
            await _writes(shop, controller, how)

    hooks["after_save"] = once
    match write:
        case "create":
            response = await shop.create("Order", title="t")
        case "update":
            response = await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "t", "tags": ["a"]})
        case _:
            response = await shop.documents.submit(CONTEXT, "Order", order["id"])
    assert response == await shop.stored("Order", response["id"])
    assert (response["title"], response["number"] or response["remark"]) == ("t", "seen" if write == "submit" else 1)
    assert response["_version"] == (2 if write == "create" else 3)


@pytest.mark.usefixtures("patient")
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
        async with asyncio.timeout(60):
            await asyncio.gather(*(shop.create("Order") for _ in range(12)), *(shop.create("Ticket") for _ in range(8)))
        async with shop.adapters.units(CONTEXT) as unit:
            names = [ticket.name async for ticket in unit.repository("Ticket").stream()]
        assert len(set(names)) == 20


async def test_elevated_calls_join_too_and_leave_who_asked_and_their_reason(shop: Wired, hooks: Hooks) -> None:
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
    assert (entry.actor, entry.reason) == ("tester", "stock is everybody's")
    assert (made[1]["owner"], made[1]["modified_by"]) == ("tester", "tester")


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
