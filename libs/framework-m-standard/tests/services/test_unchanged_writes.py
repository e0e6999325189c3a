"""A write that changes nothing stores nothing: same version and stamps, no event, no audit entry."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import SubmittedDocumentError, VersionConflictError
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.services.documents.writing.runner import Fresh, IdempotentWrite
from framework_m_core.services.documents.writing.write import UPDATE

from .orders import Hooks
from .wiring import CONTEXT, Wired

VALUES: dict[str, Any] = {
    "title": "a",
    "number": 3,
    "total": "1.50",
    "tags": ["x"],
    "extra": {"deep": [1, {"flag": True}], "none": None},
    "anything": 1.5,
    "lines": [{"text": "one", "qty": "2.00", "notes": ["n"]}],
}


async def _order(shop: Wired) -> dict[str, Any]:
    customer = await shop.create("Customer", name="ada", full_name="Ada")
    return await shop.create("Order", customer=str(customer["id"]), **VALUES)


def _echo(order: dict[str, Any]) -> dict[str, Any]:
    """The body of one who sends back what they were served."""
    rows = [{**row, "id": str(row["id"]), "qty": str(row["qty"])} for row in order["lines"]]
    return {**VALUES, "customer": str(order["customer"]), "remark": order["remark"], "lines": rows}


async def test_equal_values_leave_the_document_as_it_is(shop: Wired) -> None:
    order = await _order(shop)
    before = await shop.dump()
    assert await shop.documents.update(CONTEXT, "Order", order["id"], _echo(order)) == order
    assert await shop.documents.update(CONTEXT, "Order", order["id"], {}) == order
    assert await shop.documents.update(CONTEXT, "Order", order["id"], {"_version": 1, "title": "a"}) == order
    assert await shop.dump() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "A"), ("total", "1.51"), ("tags", ["x", "x"]), ("anything", True), ("anything", None),
        ("extra", {"deep": [True, {"flag": True}], "none": None}), ("extra", {"deep": [1, {"flag": 1}], "none": None}),
        ("customer", None), ("lines", []),
    ],
)  # fmt: skip
async def test_any_other_value_is_a_change(shop: Wired, field: str, value: object) -> None:
    order = await _order(shop)
    changed = await shop.documents.update(CONTEXT, "Order", order["id"], {field: value})
    assert changed["_version"] == 2
    assert [entry.action for entry in await shop.audits("Order", order["id"])] == ["create", "write"]
    [_, entry] = await shop.audits("Order", order["id"])
    assert field in entry.changes


async def test_true_is_not_one(shop: Wired) -> None:
    order = await shop.create("Order", anything=1, extra={"a": [0]})
    changed = await shop.documents.update(CONTEXT, "Order", order["id"], {"anything": True, "extra": {"a": [False]}})
    assert (changed["anything"], changed["extra"]) == (True, {"a": [False]})
    stored = await shop.stored("Order", order["id"])
    assert repr((stored["anything"], stored["extra"])) == "(True, {'a': [False]})"


async def test_a_stale_version_is_refused_all_the_same(shop: Wired) -> None:
    order = await _order(shop)
    await shop.documents.update(CONTEXT, "Order", order["id"], {"number": 4})
    with pytest.raises(VersionConflictError):
        await shop.documents.update(CONTEXT, "Order", order["id"], {"number": 4, "_version": 1})


async def test_what_before_save_changes_counts(shop: Wired, hooks: Hooks) -> None:
    order = await _order(shop)

    async def counts(controller: Any) -> None:
        controller.doc.number += 1

    hooks["before_save"] = counts
    assert (await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "a"}))["_version"] == 2

    async def undoes(controller: Any) -> None:
        controller.doc.title = controller.previous.title

    hooks["before_save"] = undoes
    assert (await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "b"}))["_version"] == 2


async def test_hooks_that_follow_storing_do_not_run(shop: Wired, hooks: Hooks) -> None:
    order, ran = await _order(shop), list[str]()
    for hook in ("validate", "before_save", "after_save"):
        hooks[hook] = _noting(hook, ran)
    await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "a"})
    assert ran == ["validate", "before_save"]


def _noting(hook: str, ran: list[str]) -> Any:
    async def note(_: Any) -> None:
        ran.append(hook)

    return note


async def test_what_hooks_wrote_elsewhere_is_kept(shop: Wired, hooks: Hooks) -> None:
    order = await _order(shop)

    async def notes(controller: Any) -> None:
        await controller.documents.create("Note", {"text": "seen"})

    hooks["validate"] = notes
    assert (await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "a"}))["_version"] == 1
    assert await shop.count("Note") == 1


@pytest.mark.parametrize("writes", [False, True])
async def test_a_change_meanwhile_is_not_passed_over(shop: Wired, hooks: Hooks, writes: bool) -> None:
    """What was equal when it was read is compared again with what is there when the write ends."""
    order, turns = await _order(shop), list[int]()

    async def changes_meanwhile(controller: Any) -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            hooks.pop("validate")
            await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "b"})
            hooks["validate"] = changes_meanwhile
        if writes:
            await controller.documents.create("Note", {})

    hooks["validate"] = changes_meanwhile
    after = await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "a"})
    assert (after["title"], after["_version"], len(turns)) == ("a", 3, 2)
    assert await shop.count("Note") == int(writes)


async def test_a_kept_answer_is_stored(shop: Wired) -> None:
    order = await _order(shop)

    def response(document: Any) -> StoredResponse:
        return StoredResponse("key", "hash", 200, b"kept", None, None, system_clock() + timedelta(hours=1))

    idempotent = IdempotentWrite("key", "hash", response)
    write = partial(shop.documents.write, CONTEXT, "Order", UPDATE, order["id"], {"title": "a"}, idempotent=idempotent)
    assert [type(await write()) for _ in range(2)] == [Fresh, StoredResponse]


async def test_a_transition_is_a_change_and_an_echo_after_it_is_judged_as_ever(shop: Wired) -> None:
    order = await _order(shop)
    assert (await shop.documents.submit(CONTEXT, "Order", order["id"]))["_version"] == 2
    assert (await shop.documents.update(CONTEXT, "Order", order["id"], _echo(order)))["_version"] == 2
    assert (await shop.documents.cancel(CONTEXT, "Order", order["id"]))["_version"] == 3
    with pytest.raises(SubmittedDocumentError):
        await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "a"})
    types = [event.type for event in await shop.events(order["id"])]
    assert types == ["doc.created", "doc.submitted", "doc.cancelled"]
