"""Writes of documents with many rows take turns, so that others are served meanwhile."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from framework_m import DocType
from framework_m_core.domain.errors import FieldError, TransientError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.documents.writing.write import CREATE
from framework_m_core.services.runtime.retry import retry

from .wiring import CONTEXT, Wired, wired

_ROWS, _AT_ONCE = 2_000, 6


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


def _rows(first: int) -> list[dict[str, int]]:
    return [{"number": first + place} for place in range(_ROWS)]


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
