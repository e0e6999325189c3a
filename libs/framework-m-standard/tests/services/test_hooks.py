"""Hooks that wait, raise, mutate and set bad values: nothing of a failed write stays, what is kept is not theirs."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.controllers.controller import HOOKS as EVERY_HOOK
from framework_m_core.domain.errors import FrameworkError, SubmittedDocumentError, TransientError, ValidationError

from .orders import Hooks, OrderLine
from .wiring import CONTEXT, Wired

type Write = Callable[[Wired], Awaitable[Any]]

OF_CREATE = ("validate", "before_insert", "before_save", "after_save", "after_insert")
OF_UPDATE = ("validate", "before_save", "after_save")
OF_DELETE = ("before_delete", "after_delete")
OF_RESTORE = ("validate", "before_restore", "after_restore")
LATE = ("after_save", "after_insert", "before_delete", "after_delete", "after_restore")
"""The hooks in which a change of the document would be lost, so that it raises."""

STATUSES = ("is_draft", "is_submitted", "is_cancelled")
CASES = [
    *(("create", hook) for hook in OF_CREATE),
    *(("update", hook) for hook in OF_UPDATE),
    *(("submit", hook) for hook in (*OF_UPDATE, "before_submit", "on_submit")),
    *(("cancel", hook) for hook in ("after_save", "before_cancel", "on_cancel")),
    *(("delete", hook) for hook in OF_DELETE),
    *(("purge", hook) for hook in OF_DELETE),
    *(("restore", hook) for hook in OF_RESTORE),
]


async def prepared(shop: Wired, action: str) -> Callable[[], Awaitable[Any]]:
    """A write that is ready to be done, its order made beforehand where it needs one."""
    customer = await shop.create("Customer", name=str(uuid4())[:8], full_name="Ann")
    body = {"title": "new", "customer": str(customer["id"]), "lines": [{"text": "a"}, {"text": "b"}]}
    if action == "create":
        return lambda: shop.create("Order", **body)
    order = await shop.create("Order", **body)
    if action == "cancel":
        await shop.documents.submit(CONTEXT, "Order", order["id"])
    documents, id = shop.documents, order["id"]
    if action == "restore":
        await documents.delete(CONTEXT, "Order", id)
    return {
        "update": lambda: documents.update(CONTEXT, "Order", id, {"title": "changed", "lines": [{"text": "c"}]}),
        "submit": lambda: documents.submit(CONTEXT, "Order", id),
        "cancel": lambda: documents.cancel(CONTEXT, "Order", id),
        "delete": lambda: documents.delete(CONTEXT, "Order", id),
        "purge": lambda: documents.delete(CONTEXT, "Order", id, hard=True),
        "restore": lambda: documents.restore(CONTEXT, "Order", id),
    }[action]


@pytest.mark.parametrize(
    ("action", "hook", "before", "now"),
    [
        ("create", "validate", None, "is_draft"),
        ("update", "before_save", "is_draft", "is_draft"),
        ("submit", "before_save", "is_draft", "is_submitted"),
        ("submit", "on_submit", "is_draft", "is_submitted"),
        ("cancel", "on_cancel", "is_submitted", "is_cancelled"),
        ("delete", "before_delete", "is_draft", "is_draft"),
    ],
)
async def test_a_hook_asks_the_status_by_name(
    shop: Wired, hooks: Hooks, action: str, hook: str, before: str | None, now: str
) -> None:
    write = await prepared(shop, action)
    found: list[tuple[str, ...]] = []

    async def asks(controller: Any) -> None:
        for document in (controller.previous, controller.doc):
            found.append(tuple(name for name in STATUSES if document is not None and getattr(document, name)))

    hooks[hook] = asks
    await write()
    assert found == [(before,) if before else (), (now,)]


def test_every_hook_is_tried() -> None:
    assert {hook for _, hook in CASES} == set(EVERY_HOOK)


@pytest.mark.parametrize(("action", "hook"), CASES)
async def test_a_hook_that_raises_undoes_the_whole_write(shop: Wired, hooks: Hooks, action: str, hook: str) -> None:
    write = await prepared(shop, action)
    before = await shop.dump()

    async def fails(controller: Any) -> None:
        if hook not in LATE:
            controller.doc.title = "half"
        await controller.documents.create("Note", {"text": "beside"})
        await asyncio.sleep(0)
        raise ZeroDivisionError

    hooks[hook] = fails
    with pytest.raises(ZeroDivisionError):
        await write()
    assert await shop.dump() == before
    hooks.clear()
    await write()
    await shop.assert_usable()


@pytest.mark.parametrize(("action", "hook"), CASES)
async def test_a_hook_may_wait(shop: Wired, hooks: Hooks, action: str, hook: str) -> None:
    write, ran = await prepared(shop, action), []

    async def waits(controller: Any) -> None:
        await asyncio.sleep(0.005)
        ran.append(controller.doc.id)

    hooks[hook] = waits
    await write()
    assert len(ran) == 1


async def test_what_hooks_change_in_place_is_stored(shop: Wired, hooks: Hooks) -> None:
    async def changes(controller: Any) -> None:
        doc = controller.doc
        doc.tags.append("hooked")
        doc.extra["deep"]["list"].append(2)
        doc.lines[0].notes.append("hooked")
        doc.lines.append(OrderLine(text="made by a hook", qty=Decimal(2)))
        doc.lines.insert(0, doc.lines.pop(1))
        doc.owner = "somebody"

    order = await shop.create("Order", extra={"deep": {"list": [1]}}, lines=[{"text": "a"}, {"text": "b"}])
    hooks["before_save"] = changes
    response = await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "t"})
    assert response == await shop.stored("Order", order["id"])
    assert response["tags"] == ["hooked"]
    assert response["extra"] == {"deep": {"list": [1, 2]}}
    assert [(row["text"], row["notes"]) for row in response["lines"]] == [
        ("b", []), ("a", ["hooked"]), ("made by a hook", []),
    ]  # fmt: skip
    assert len({row["id"] for row in response["lines"]}) == 3
    assert response["owner"] == "somebody"
    (entry,) = (await shop.audits("Order", order["id"]))[1:]
    assert entry.changes["tags"] == [[], ["hooked"]]
    assert entry.changes["extra"] == [{"deep": {"list": [1]}}, {"deep": {"list": [1, 2]}}]


@pytest.mark.parametrize("action", ["create", "update", "submit"])
async def test_framework_fields_are_put_back(shop: Wired, hooks: Hooks, action: str) -> None:
    write, kept = await prepared(shop, action), []

    async def changes(controller: Any) -> None:
        doc = controller.doc
        kept.append({name: getattr(doc, name) for name in ("id", "name", "creation", "modified_by", "docstatus")})
        doc.id, doc.name, doc.modified_by = uuid4(), "mine", "mine"
        doc.creation = doc.modified = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
        doc.docstatus, doc.row_version, doc.deleted_at = 2, 99, doc.creation

    hooks["before_save"] = changes
    response = await write()
    assert response == await shop.stored("Order", response["id"])
    assert {name: response[name] for name in kept[0]} == kept[0]
    assert response["_version"] == (1 if action == "create" else 2)


async def test_what_is_fixed_by_a_submit_is_fixed_for_hooks_too(shop: Wired, hooks: Hooks) -> None:
    order = await shop.create("Order")
    await shop.documents.submit(CONTEXT, "Order", order["id"])

    async def adds(controller: Any) -> None:
        controller.doc.total += 5

    hooks["validate"] = adds
    with pytest.raises(SubmittedDocumentError) as refused:
        await shop.documents.update(CONTEXT, "Order", order["id"], {"remark": "may be changed"})
    assert refused.value.details["fields"] == ["total"]
    hooks.clear()
    await shop.documents.update(CONTEXT, "Order", order["id"], {"remark": "may be changed"})
    assert (await shop.stored("Order", order["id"]))["remark"] == "may be changed"


async def test_a_number_of_another_type_becomes_the_fields(shop: Wired, hooks: Hooks) -> None:
    """As a sum over no rows is the integer 0."""

    async def sums(controller: Any) -> None:
        controller.doc.total = sum(line.qty for line in controller.doc.lines)

    hooks["validate"] = sums
    order = await shop.create("Order")
    assert str((await shop.stored("Order", order["id"]))["total"]) == "0.00"


async def test_previous_is_the_document_as_it_was_and_not_written(shop: Wired, hooks: Hooks) -> None:
    order = await shop.create("Order", title="old", extra={"a": {"b": 1}}, lines=[{"text": "old"}])

    async def changes(controller: Any) -> None:
        assert controller.previous.title == "old"
        assert controller.doc.title == "new"
        controller.previous.title = "harm"
        controller.previous.extra["a"]["b"] = 2
        controller.previous.lines[0].text = "harm"

    hooks["validate"] = changes
    response = await shop.documents.update(CONTEXT, "Order", order["id"], {"title": "new"})
    assert (response["title"], response["extra"], response["lines"][0]["text"]) == ("new", {"a": {"b": 1}}, "old")
    entries = await shop.audits("Order", order["id"])
    assert entries[-1].changes == {"title": ["old", "new"]}


async def test_a_document_put_in_its_place_is_the_one_that_is_stored(shop: Wired, hooks: Hooks) -> None:
    async def replaces(controller: Any) -> None:
        controller.doc = type(controller.doc)(title="another", lines=[OrderLine(text="x")])

    order = await shop.create("Order", title="first")
    hooks["validate"] = replaces
    response = await shop.documents.update(CONTEXT, "Order", order["id"], {"number": 1})
    assert response == await shop.stored("Order", order["id"])
    assert (response["title"], response["_version"], len(response["lines"])) == ("another", 2, 1)


async def test_a_link_that_a_hook_sets_fills_the_fields_fetched_from_it(shop: Wired, hooks: Hooks) -> None:
    ann = await shop.create("Customer", name="a", full_name="Ann")
    bob = await shop.create("Customer", name="b", full_name="Bob")

    async def redirects(controller: Any) -> None:
        controller.doc.customer = bob["id"]

    hooks["before_save"] = redirects
    order = await shop.create("Order", customer=str(ann["id"]))
    assert (order["customer"], order["customer_name"]) == (bob["id"], "Bob")


async def test_a_link_that_is_cleared_clears_the_fields_fetched_from_it(shop: Wired) -> None:
    ann = await shop.create("Customer", name="a", full_name="Ann")
    order = await shop.create("Order", customer=str(ann["id"]))
    cleared = await shop.documents.update(CONTEXT, "Order", order["id"], {"customer": None})
    assert (cleared["customer"], cleared["customer_name"]) == (None, None)


def _set(**values: Any) -> Callable[[Any], None]:
    return lambda doc: vars(doc).update(values)


def _twice(doc: Any) -> None:
    doc.lines = [OrderLine(text="x")]
    doc.lines[0].id = uuid4()
    doc.lines.append(doc.lines[0])


BAD = {
    "a number for a text": _set(title=5),
    "nothing for a text": _set(title=None),
    "text with NUL": _set(title="a\0b"),
    "a lone surrogate": _set(title="\ud800"),
    "a text past its length": _set(title="x" * 41),
    "a number past 64 bits": _set(number=1 << 63),
    "a fraction for a number": _set(number=1.5),
    "not a number": _set(total=Decimal("NaN")),
    "too large a decimal": _set(total=Decimal(10) ** 16),
    "a text for a decimal": _set(total="lots"),
    "a text for a list": _set(tags="text"),
    "a set in JSON": _set(extra={"a": object()}),
    "a key that is no text in JSON": _set(extra={1: 2}),
    "JSON that holds itself": lambda doc: doc.extra.update(self=doc.extra),
    "infinite in JSON": _set(anything=float("inf")),
    "no id for a link": _set(customer="Ann"),
    "a link to nothing": _set(customer=uuid4()),
    "nothing for rows": _set(lines=None),
    "a text for rows": _set(lines="rows"),
    "a dictionary for a row": _set(lines=[{"text": "x"}]),
    "a text for a row": _set(lines=["x"]),
    "another document for a row": lambda doc: doc.lines.append(type(doc)()),
    "a row without an id": lambda doc: doc.lines.append(OrderLine.model_construct(text="x", id=None)),
    "a row listed twice": _twice,
    "a bad value in a row": lambda doc: doc.lines.append(OrderLine.model_construct(**{**_ROW, "qty": "lots"})),
    "a row that links to nothing": lambda doc: doc.lines.append(OrderLine(supplier=uuid4())),
    "a field that is none": lambda doc: doc.__dict__.update(unheard_of=1),
    "an owner that is no text": _set(owner=7),
    "no owner": _set(owner=None),
}
_ROW: dict[str, Any] = OrderLine().__dict__


@pytest.mark.parametrize("error", BAD)
@pytest.mark.parametrize("action", ["create", "update"])
async def test_a_bad_value_is_a_validation_error_and_undoes_the_write(
    shop: Wired, hooks: Hooks, action: str, error: str
) -> None:
    write = await prepared(shop, action)
    before = await shop.dump()

    async def sets(controller: Any) -> None:
        BAD[error](controller.doc)

    hooks["before_save"] = sets
    with pytest.raises(ValidationError):
        await write()
    assert await shop.dump() == before


async def test_a_row_that_a_hook_lists_twice_is_refused(shop: Wired, hooks: Hooks) -> None:
    async def repeats(controller: Any) -> None:
        controller.doc.lines.append(controller.doc.lines[0])

    hooks["validate"] = repeats
    with pytest.raises(ValidationError) as refused:
        await shop.create("Order", lines=[{"text": "a"}])
    assert [(one.field, one.code) for one in refused.value.errors] == [("lines.1.id", "duplicate_row")]


async def test_a_value_refused_by_assignment_is_a_validation_error(shop: Wired, hooks: Hooks) -> None:
    no_number: Any = "lots"

    async def builds(controller: Any) -> None:
        controller.doc.lines.append(OrderLine(qty=no_number))

    hooks["validate"] = builds
    with pytest.raises(ValidationError):
        await shop.create("Order")


@pytest.mark.parametrize(("given", "kept"), [("0.125", "0.12"), ("0.135", "0.14"), ("-0.005", "0.00"), ("7", "7.00")])
async def test_decimals_of_hooks_are_rounded_half_even(shop: Wired, hooks: Hooks, given: str, kept: str) -> None:
    async def sets(controller: Any) -> None:
        controller.doc.total = Decimal(given)
        controller.doc.lines[0].qty = Decimal(given)

    hooks["validate"] = sets
    order = await shop.create("Order", lines=[{}])
    assert str(order["total"]) == str(order["lines"][0]["qty"]) == kept
    assert order == await shop.stored("Order", order["id"])


@pytest.mark.parametrize("error", [TransientError("busy"), FrameworkError("no")])
async def test_only_transient_errors_are_tried_again_and_on_a_fresh_copy(
    shop: Wired, hooks: Hooks, error: Exception
) -> None:
    body = {"tags": ["t"], "extra": {"deep": {"n": 0}}, "anything": {"deep": [0]}, "lines": [{"notes": []}]}
    order = await shop.create("Order", **body)
    before, tries = await shop.dump(), []

    async def counts(controller: Any) -> None:
        doc = controller.doc
        tries.append(1)
        doc.number += 1
        doc.tags.append("t")
        doc.extra["deep"]["n"] += 1
        doc.anything["deep"][0] += 1
        doc.lines[0].notes.append("n")
        await controller.documents.create("Note", {"text": "beside"})
        if len(tries) < 3:
            raise error

    hooks["validate"] = counts
    writes: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: shop.create("Order", **body),
        lambda: shop.documents.update(CONTEXT, "Order", order["id"], {"title": "t"}),
    )
    for write in writes:
        tries.clear()
        if not isinstance(error, TransientError):
            with pytest.raises(FrameworkError):
                await write()
            assert (len(tries), await shop.dump()) == (1, before)
            continue
        response = await write()
        assert len(tries) == 3
        assert (response["number"], response["tags"], response["extra"]) == (1, ["t", "t"], {"deep": {"n": 1}})
        assert (response["anything"], response["lines"][0]["notes"]) == ({"deep": [1]}, ["n"])
        assert response == await shop.stored("Order", response["id"])
    assert await shop.count("Note") == (2 if isinstance(error, TransientError) else 0)


async def test_a_conflict_that_does_not_end_is_given_up(shop: Wired, hooks: Hooks) -> None:
    tries = []

    async def busy(controller: Any) -> None:
        tries.append(1)
        raise TransientError("busy")

    hooks["after_save"] = busy
    before = await shop.dump()
    with pytest.raises(TransientError):
        await shop.create("Order")
    assert (len(tries), await shop.dump()) == (4, before)
