"""Many callers at once: every write is whole, every conflict is told, nothing that must be single is double."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    FrameworkError,
    IdempotencyConflictError,
    LinkedDocumentError,
    LinkTargetError,
    SubmittedDocumentError,
    TransientError,
    VersionConflictError,
)
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.services.documents.writing.runner import Fresh, IdempotentWrite
from framework_m_core.services.documents.writing.write import CREATE, SUBMIT, UPDATE
from framework_m_core.services.queries.parsing import ListRequest

from .orders import Hooks, order_registry
from .wiring import CONTEXT, Wired, wired


async def _all(calls: Iterable[Awaitable[Any]]) -> tuple[list[Any], list[BaseException]]:
    """What the calls answered, and what they raised."""
    async with asyncio.timeout(60):
        results = await asyncio.gather(*calls, return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    return [result for result in results if not isinstance(result, BaseException)], failed


def _only(errors: list[BaseException], *kinds: type[FrameworkError]) -> None:
    strange = [error for error in errors if not isinstance(error, kinds)]
    assert not strange, strange


@pytest.mark.slow
async def test_updates_at_once_of_one_document_are_counted_and_never_read_half(shop: Wired) -> None:
    order = await shop.create("Order", number=0, lines=[{"text": "0"}] * 3)
    done = asyncio.Event()
    seen = 0

    async def update(number: int) -> Any:
        rows = [{"text": str(number)}] * (1 + number % 4)
        return await shop.documents.update(CONTEXT, "Order", order["id"], {"number": number, "lines": rows})

    async def read() -> None:
        nonlocal seen
        while not done.is_set():
            whole = await shop.stored("Order", order["id"])
            request = ListRequest(fields=["number", "lines"])
            (listed,) = (await shop.queries.list(CONTEXT, "Order", request)).items
            for found in (whole, listed):
                assert {row["text"] for row in found["lines"]} == {str(found["number"])}, found
                assert found["number"] == 0 or len(found["lines"]) == 1 + found["number"] % 4, found
            seen += 1
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    responses, errors = await _all(update(number) for number in range(1, 201))
    done.set()
    await reading
    if StoreCapability.BLOCKING_LOCKS in shop.adapters.capabilities:
        assert not errors
    _only(errors, TransientError)
    final = await shop.stored("Order", order["id"])
    assert final["_version"] == 1 + len(responses)
    assert sorted(response["_version"] for response in responses) == list(range(2, 2 + len(responses)))
    assert next(response for response in responses if response["_version"] == final["_version"]) == final
    assert len(await shop.audits("Order", order["id"])) == min(100, final["_version"])
    versions = [event.version for event in await shop.events(order["id"])]
    assert versions == list(range(1, final["_version"] + 1))
    assert len(responses) >= 1 and seen >= 1


@pytest.mark.usefixtures("patient")
async def test_updates_of_two_processes_are_counted_too(database_url: str) -> None:
    async with wired(database_url, order_registry()) as one, wired(database_url, order_registry()) as other:
        note = await one.create("Note", number=0)
        calls = [
            process.documents.update(CONTEXT, "Note", note["id"], {"number": 2 * number + place})
            for number in range(1, 21)
            for place, process in enumerate((one, other))
        ]
        responses, errors = await _all(calls)
        assert not errors
        assert sorted(response["_version"] for response in responses) == list(range(2, 42))
        assert (await other.stored("Note", note["id"]))["_version"] == 41


@pytest.mark.usefixtures("patient")
async def test_writers_with_slow_hooks_are_never_refused(shop: Wired, hooks: Hooks) -> None:
    """Each tries once without a lock, then waits for its turn."""

    async def takes_time(controller: Any) -> None:
        await asyncio.sleep(0.02)
        controller.doc.total = (controller.previous.total if controller.previous else 0) + 1

    hooks["before_save"] = takes_time
    order = await shop.create("Order")
    calls = (shop.documents.update(CONTEXT, "Order", order["id"], {"number": n}) for n in range(1, 17))
    responses, errors = await _all(calls)
    assert not errors
    assert sorted(response["_version"] for response in responses) == list(range(2, 18))
    assert (await shop.stored("Order", order["id"]))["total"] == 17


async def test_of_updates_that_name_a_version_one_wins(shop: Wired) -> None:
    note = await shop.create("Note")
    calls = (shop.documents.update(CONTEXT, "Note", note["id"], {"number": n, "_version": 1}) for n in range(1, 21))
    responses, errors = await _all(calls)
    assert [response["_version"] for response in responses] == [2]
    _only(errors, VersionConflictError)


async def test_of_creates_with_one_name_one_wins(shop: Wired) -> None:
    responses, errors = await _all(shop.create("Customer", name="same", full_name=str(n)) for n in range(20))
    assert len(responses) == 1
    _only(errors, DuplicateNameError)
    assert (await shop.stored("Customer", "same")) == responses[0]
    assert len((await shop.dump())["activitylog"]) == 1


async def test_of_creates_with_one_unique_value_one_wins_and_updates_too(shop: Wired) -> None:
    responses, errors = await _all(shop.create("Note", code="same") for _ in range(10))
    assert len(responses) == 1
    _only(errors, DuplicateValueError)
    notes = [await shop.create("Note") for _ in range(10)]
    responses, errors = await _all(shop.documents.update(CONTEXT, "Note", note["id"], {"code": "x"}) for note in notes)
    assert len(responses) == 1
    _only(errors, DuplicateValueError)


async def test_numbers_of_a_series_are_never_given_twice(shop: Wired) -> None:
    responses, errors = await _all(shop.create("Ticket") for _ in range(50))
    assert not errors
    assert sorted(response["name"] for response in responses) == [f"T-{number:04d}" for number in range(1, 51)]


async def test_of_submits_and_of_deletes_one_wins(shop: Wired) -> None:
    order = await shop.create("Order")
    responses, errors = await _all(shop.documents.submit(CONTEXT, "Order", order["id"]) for _ in range(10))
    assert [response["docstatus"] for response in responses] == [1]
    _only(errors, SubmittedDocumentError)
    note = await shop.create("Note")
    responses, errors = await _all(shop.documents.delete(CONTEXT, "Note", note["id"]) for _ in range(10))
    assert responses == [None]
    _only(errors, EntityNotFoundError)
    assert [entry.action for entry in await shop.audits("Note", note["id"])] == ["create", "delete"]


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("way", ["create", "update", "row", "hook"])
async def test_no_live_document_links_to_one_that_is_gone(shop: Wired, hooks: Hooks, way: str, hard: bool) -> None:
    """Whoever is first, the other is refused."""
    won = {"link": 0, "delete": 0}
    for turn in range(12):
        customer = await shop.create("Customer", name=f"c{turn}", full_name="x")
        order = await shop.create("Order")
        linking = _link(shop, hooks, way, customer["id"], order["id"])
        deleting = shop.documents.delete(CONTEXT, "Customer", customer["id"], hard=hard)
        pair = (linking, deleting) if turn % 2 else (deleting, linking)
        _, errors = await _all(pair)
        _only(errors, LinkedDocumentError, LinkTargetError)
        hooks.clear()
        gone = await shop.adapters.load("Customer", customer["id"]) is None
        async with shop.adapters.units(CONTEXT) as unit:
            links = await unit.find_referrers("Customer", customer["id"])
        assert len(errors) == 1
        assert (gone, [name for name, _ in links]) in [(True, []), (False, ["Order"])]
        won["delete" if gone else "link"] += 1
    assert sum(won.values()) == 12


async def _link(shop: Wired, hooks: Hooks, way: str, customer: UUID, order: UUID) -> Any:
    async def sets(controller: Any) -> None:
        controller.doc.customer = customer

    if way == "hook":
        hooks["before_save"] = sets
        return await shop.create("Order")
    if way == "row":
        return await shop.create("Order", lines=[{"supplier": str(customer)}])
    if way == "update":
        return await shop.documents.update(CONTEXT, "Order", order, {"customer": str(customer)})
    return await shop.create("Order", customer=str(customer))


async def test_a_link_that_is_moved_away_while_its_target_goes(shop: Wired) -> None:
    for turn in range(10):
        old = await shop.create("Customer", name=f"old{turn}")
        new = await shop.create("Customer", name=f"new{turn}")
        order = await shop.create("Order", customer=str(old["id"]))
        _, errors = await _all(
            (
                shop.documents.update(CONTEXT, "Order", order["id"], {"customer": str(new["id"])}),
                shop.documents.delete(CONTEXT, "Customer", old["id"]),
                shop.documents.delete(CONTEXT, "Customer", new["id"]),
            )
        )
        _only(errors, LinkedDocumentError, LinkTargetError)
        target = (await shop.stored("Order", order["id"]))["customer"]
        assert await shop.adapters.load("Customer", target) is not None


def _idempotent(key: str = "key", body_hash: str = "hash") -> IdempotentWrite:
    def response(document: Any) -> StoredResponse:
        body = str(document["id"]).encode()
        return StoredResponse(key, body_hash, 201, body, None, None, system_clock() + timedelta(hours=1))

    return IdempotentWrite(key, body_hash, response)


@pytest.mark.parametrize("doctype", ["Note", "Order", "Ticket"])
async def test_a_create_with_one_key_is_done_once(shop: Wired, doctype: str) -> None:
    create = partial(shop.documents.write, CONTEXT, doctype, CREATE, None, {})
    results, errors = await _all(create(idempotent=_idempotent()) for _ in range(20))
    assert not errors
    fresh, stored = _split([*results, await create(idempotent=_idempotent())])
    assert len(stored) == 20
    assert {response.body for response in stored} == {str(fresh.document["id"]).encode()}
    assert await shop.count(doctype) == 1
    with pytest.raises(IdempotencyConflictError):
        await create(idempotent=_idempotent(body_hash="another"))


def _split(results: Iterable[Any]) -> tuple[Fresh, list[StoredResponse]]:
    """The one result of a write that was done, and what was stored of it for the others."""
    results = list(results)
    [fresh] = [result for result in results if isinstance(result, Fresh)]
    stored = [result for result in results if isinstance(result, StoredResponse)]
    assert len(stored) == len(results) - 1
    return fresh, stored


async def _note_with_code(shop: Wired, idempotent: IdempotentWrite) -> Any:
    return await shop.documents.write(CONTEXT, "Note", CREATE, None, {"code": "one of a kind"}, idempotent=idempotent)


async def _versioned_update(shop: Wired, idempotent: IdempotentWrite) -> Any:
    note = (await shop.queries.list(CONTEXT, "Note", ListRequest())).items[0]
    values = {"text": "new", "_version": 1}
    return await shop.documents.write(CONTEXT, "Note", UPDATE, note["id"], values, idempotent=idempotent)


async def _submit(shop: Wired, idempotent: IdempotentWrite) -> Any:
    order = (await shop.queries.list(CONTEXT, "Order", ListRequest())).items[0]
    return await shop.documents.write(CONTEXT, "Order", SUBMIT, order["id"], idempotent=idempotent)


@pytest.mark.parametrize("write", [_note_with_code, _versioned_update, _submit])
async def test_a_write_that_can_be_done_once_only_answers_its_key_to_all(
    shop: Wired, write: Callable[[Wired, IdempotentWrite], Awaitable[Any]]
) -> None:
    """What the others meet is not their conflict: it is the same write, done."""
    await shop.create("Note")
    await shop.create("Order")
    results, errors = await _all(write(shop, _idempotent()) for _ in range(12))
    assert not errors
    assert len(_split(results)[1]) == 11
    with pytest.raises(FrameworkError):
        await write(shop, _idempotent(key="another"))


async def test_a_key_of_two_processes_is_used_once(database_url: str) -> None:
    async with wired(database_url, order_registry()) as one, wired(database_url, order_registry()) as other:
        calls = [
            process.documents.write(CONTEXT, "Note", CREATE, None, {}, idempotent=_idempotent())
            for process in (one, other)
            for _ in range(5)
        ]
        results, errors = await _all(calls)
        assert not errors
        assert len(_split(results)[1]) == 9
        assert await one.count("Note") == 1


async def test_a_key_of_a_failed_write_is_free(shop: Wired, hooks: Hooks) -> None:
    async def fails(controller: Any) -> None:
        raise ZeroDivisionError

    hooks["after_save"] = fails
    with pytest.raises(ZeroDivisionError):
        await shop.documents.write(CONTEXT, "Order", CREATE, None, {}, idempotent=_idempotent())
    hooks.clear()
    assert isinstance(await shop.documents.write(CONTEXT, "Order", CREATE, None, {}, idempotent=_idempotent()), Fresh)


async def test_hooks_that_meet_crosswise_are_tried_again_until_both_are_done(shop: Wired, hooks: Hooks) -> None:
    """Two orders whose hooks change the other's note: a deadlock where rows are locked. Nothing is lost or doubled."""
    notes = [await shop.create("Note", number=0) for _ in range(2)]
    both = asyncio.Barrier(2)
    meets = [True, True]

    async def crosswise(controller: Any) -> None:
        mine = controller.doc.number
        for place in (mine, 1 - mine):
            note = await controller.documents.get("Note", notes[place]["id"], for_update=True)
            await controller.documents.update("Note", note["id"], {"number": note["number"] + 1})
            if place == mine and meets[mine] and shop.store.name in {"postgresql", "mariadb"}:
                meets[mine] = False
                await both.wait()

    hooks["after_save"] = crosswise
    responses, errors = await _all(shop.create("Order", number=number) for number in range(2))
    assert not errors
    assert len(responses) == 2
    for note in notes:
        found = await shop.stored("Note", note["id"])
        assert (found["number"], found["_version"]) == (2, 3)


@pytest.mark.parametrize("hard", [False, True])
async def test_a_document_that_links_to_itself_can_be_deleted(shop: Wired, hard: bool) -> None:
    note = await shop.create("Note")
    await shop.documents.update(CONTEXT, "Note", note["id"], {"answers": note["id"]})
    other = await shop.create("Note", answers=str(note["id"]))
    with pytest.raises(LinkedDocumentError):
        await shop.documents.delete(CONTEXT, "Note", note["id"], hard=hard)
    await shop.documents.delete(CONTEXT, "Note", other["id"], hard=True)
    await shop.documents.delete(CONTEXT, "Note", note["id"], hard=hard)
    assert await shop.count("Note") == 0


async def test_money_is_neither_made_nor_lost(shop: Wired, hooks: Hooks) -> None:
    """Transfers between notes, each in one unit, with readers that add up on one snapshot."""
    notes = [await shop.create("Note", number=100) for _ in range(4)]

    async def transfers(controller: Any) -> None:
        source, target = controller.doc.extra["pair"]
        for place, change in ((source, -1), (target, 1)):
            note = await controller.documents.get("Note", notes[place]["id"])
            changed = {"number": note["number"] + change, "_version": note["_version"]}
            await controller.documents.update("Note", note["id"], changed)

    async def total() -> int:
        page = await shop.queries.list(CONTEXT, "Note", ListRequest())
        return sum(note["number"] for note in page.items)

    hooks["validate"] = transfers
    pairs = [(n % 4, (n + 1 + n // 4 % 3) % 4) for n in range(16)]
    calls: list[Awaitable[Any]] = [shop.create("Order", extra={"pair": list(pair)}) for pair in pairs]
    responses, errors = await _all([*calls, *(total() for _ in range(10))])
    _only(errors, VersionConflictError, TransientError)
    assert {response for response in responses if isinstance(response, int)} == {400}
    assert await total() == 400
    done = [response for response in responses if isinstance(response, dict)]
    assert await shop.count("Order") == len(done)
    versions = [(await shop.stored("Note", note["id"]))["_version"] for note in notes]
    assert sum(versions) == 4 + 2 * len(done)
