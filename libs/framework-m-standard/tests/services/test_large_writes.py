"""Writes of documents with many rows take turns, so that others are served meanwhile."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from framework_m import DocType
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import FieldError, RateLimitError, TransientError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.documents.writing.write import CREATE
from framework_m_core.services.runtime.retry import retry
from framework_m_testing.fakes.permission import FakePermission

from .wiring import CONTEXT, Wired, services_over, wired

_ROWS, _FEW, _AT_ONCE = 2_000, 600, 6


class Entry(DocType):
    """A row."""

    number: int = 0

    class Meta:
        is_child_table = True


class Journal(DocType):
    """Holds many."""

    number: int = 0
    entries: list[Entry] = []


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Entry, Journal):
        builder.add_doctype(doctype, "office")
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


class _Heart:
    """Beats in the loop, and notes how long it was held between two beats."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest, before = max(self.longest, now - before), now


async def _held(*writes: Any) -> tuple[float, float]:
    """Return how much time of the processor the writes took together, and one step of the loop at most."""
    heart = _Heart()
    beating = asyncio.create_task(heart.beat())
    await asyncio.sleep(0)
    gc.disable()  # a collection of all that the test process holds would count as a step
    try:
        begun = time.thread_time()
        await asyncio.gather(*writes)
        took = time.thread_time() - begun
    finally:
        gc.enable()
    beating.cancel()
    return took, heart.longest


def _rows(first: int, count: int = _ROWS) -> list[dict[str, int]]:
    return [{"number": first + place} for place in range(count)]


@pytest.mark.parametrize("kind", ["field", "rows", "create"])
async def test_the_loop_is_not_held_by_several_writes(office: Wired, kind: str) -> None:
    made = await office.create("Journal", entries=_rows(0))

    def write(number: int) -> Any:
        if kind == "create":
            return office.create("Journal", entries=_rows(number))
        body: dict[str, Any] = {"number": number} if kind == "field" else {"entries": _rows(number)}
        return office.documents.update(CONTEXT, "Journal", (made["id"], made["name"])[number % 2], body)

    alone, _ = await _held(write(100))
    took, held = await _held(*(write(number) for number in range(1, _AT_ONCE + 1)))
    assert held < took / 2.5, f"the loop was held for {held:.2f} s of {took:.2f} s, a write alone takes {alone:.2f} s"
    if kind != "create":
        assert (await office.stored("Journal", made["id"]))["_version"] == 2 + _AT_ONCE


async def test_the_loop_is_not_held_by_bodies_that_are_checked_beside_other_errors(office: Wired) -> None:
    async def write(number: int) -> None:
        known = [ValidationError("the query is not valid", [FieldError("x", "unknown_field")])]
        with pytest.raises(ValidationError):
            await office.documents.write(CONTEXT, "Journal", CREATE, None, {"entries": _rows(number)}, refused=known)

    took, held = await _held(*(write(number) for number in range(_AT_ONCE)))
    assert held < took / 2.5, f"the loop was held for {held:.2f} s of {took:.2f} s"


async def test_a_hook_that_writes_its_own_kind_waits_for_nothing(office: Wired) -> None:
    first, second = [(await office.create("Journal", entries=_rows(0)))["id"] for _ in range(2)]

    async def both(one: Any, other: Any) -> None:
        async with office.adapters.units(CONTEXT) as unit:
            within = CONTEXT.within(unit)
            for id in (one, other):
                await office.documents.update(within, "Journal", id, {"number": 1})
            await unit.commit()

    async with asyncio.timeout(30):
        by_hand = retry(lambda: both(first, second), TransientError)  # a store without blocking locks refuses one
        await asyncio.gather(by_hand, office.documents.update(CONTEXT, "Journal", second, {"number": 2}))


ADA, BOB = (RequestContext(Principal(name)) for name in ("ada", "bob"))


@pytest.mark.parametrize("kind", ["create", "rows", "field of unknown", "field of known"])
async def test_one_caller_with_many_does_not_delay_the_others(office: Wired, kind: str) -> None:
    ended: list[RequestContext] = []
    made = [(await office.create("Journal", entries=_rows(0, _FEW)))["id"] for _ in range(8)]
    if kind == "field of unknown":
        office = services_over(office.store, FakePermission(office.adapters.registry_handle))

    async def write(context: RequestContext, id: Any) -> None:
        if kind == "create":
            await office.documents.create(context, "Journal", {"entries": _rows(1, _FEW)})
        else:
            body = {"entries": _rows(1, _FEW)} if kind == "rows" else {"number": 1}
            await office.documents.update(context, "Journal", id, body)
        ended.append(context)

    many = [asyncio.create_task(write(ADA, id)) for id in made[:-1]]
    await asyncio.sleep(0)
    await write(BOB, made[-1])
    assert ended.count(ADA) <= 3, "those that ran beside it, and the next one"
    await asyncio.gather(*many)


async def test_past_a_share_few_wait_and_others_are_refused(office: Wired) -> None:
    async def write(context: RequestContext) -> None:
        await office.documents.create(context, "Journal", {"entries": _rows(0, _FEW)})

    outcomes = await asyncio.gather(*(write(ADA) for _ in range(40)), write(BOB), return_exceptions=True)
    refused = [isinstance(outcome, RateLimitError) for outcome in outcomes]
    assert refused[-1] is False
    assert any(refused)
    assert not all(refused[:-1])
