"""Heavy reads wait for a place, whatever the store; all others pass them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from framework_m_core.domain.context import ANONYMOUS, GUEST, Principal, RequestContext
from framework_m_core.domain.errors import RateLimitError, TransientError
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate, ReadHandle, Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_testing.fakes.permission import FakePermission

from .wiring import CONTEXT, Wired

SEARCH = ListRequest(filters=[{"field": "title", "operator": "contains", "value": "x"}])
ADA, BOB, EVE = (RequestContext(Principal(name)) for name in ("ada", "bob", "eve"))


class GatedReader:
    """A reader whose reads begin, and end once the gate is open; those that it lets through end at once."""

    heavy_reads = 4

    def __init__(self, reader: DocumentReaderProtocol) -> None:
        self._reader = reader
        self.gate = asyncio.Event()
        self.running = 0
        self.passing = 0
        self.counts: list[ReadHandle] = []
        self.holds_counts_alone = False

    def prepare(self, template: QueryTemplate[CompiledDocType]) -> ReadHandle:
        handle = self._reader.prepare(template)
        if template.count:
            self.counts.append(handle)
        return handle

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        if self.holds_counts_alone and handle not in self.counts:
            pass
        elif self.passing:
            self.passing -= 1
        else:
            self.running += 1
            try:
                await self.gate.wait()
            finally:
                self.running -= 1
        return await self._reader.fetch(context, handle, values)


class Rush:
    """Queries over a gated reader."""

    def __init__(self, shop: Wired, wait_seconds: float) -> None:
        registry = shop.adapters.registry
        self.tasks: list[asyncio.Task[Any]] = []
        self.reader = GatedReader(shop.adapters.reader)
        permissions = PermissionService(FakePermission(RegistryHandle(registry), rules={"read": {GUEST: EVERYTHING}}))
        self.places = HeavyReads(self.reader.heavy_reads, wait_seconds)
        self.queries = QueryService(RegistryHandle(registry), self.reader, permissions, self.places)

    async def start(self, *contexts: RequestContext, request: ListRequest = SEARCH) -> list[asyncio.Task[Any]]:
        """Start one list for each scope."""
        tasks = [asyncio.create_task(self.queries.list(context, "Order", request)) for context in contexts]
        self.tasks += tasks
        for _ in range(20):
            await asyncio.sleep(0)
        return tasks


@pytest.fixture
async def rush(shop: Wired) -> AsyncIterator[Rush]:
    opened = Rush(shop, 0)
    yield opened
    opened.reader.gate.set()
    await asyncio.gather(*opened.tasks, return_exceptions=True)


async def test_searches_of_one_caller_take_half_of_the_places(rush: Rush) -> None:
    *running, over = await rush.start(ADA, ADA, ADA)
    assert rush.reader.running == 2
    with pytest.raises(RateLimitError):
        await over
    running += await rush.start(BOB, BOB)
    [refused] = await rush.start(EVE)
    with pytest.raises(TransientError):
        await refused
    rush.reader.gate.set()
    assert [(await one).items for one in running] == [[]] * 4
    await asyncio.gather(*await rush.start(EVE))


async def test_who_has_not_logged_in_is_one_caller(rush: Rush) -> None:
    *_, over = await rush.start(*(RequestContext(ANONYMOUS) for _ in range(3)))
    with pytest.raises(RateLimitError):
        await over
    rush.reader.gate.set()


async def test_point_reads_and_plain_lists_pass_a_full_house(rush: Rush, shop: Wired) -> None:
    order = await shop.create("Order", title="x")
    await rush.start(ADA, ADA, BOB, BOB)
    for request in (ListRequest(), ListRequest(filters=[{"field": "id", "operator": "eq", "value": str(order["id"])}])):
        rush.reader.passing = 2  # the sizes of the rows are read before the rows
        assert len((await rush.queries.list(EVE, "Order", request)).items) == 1, request.filters
    rush.reader.passing = 1
    assert (await rush.queries.get(EVE, "Order", order["id"]))["title"] == "x"
    async with shop.adapters.units(CONTEXT) as unit:
        inside = await rush.queries.list(ADA.within(unit), "Order", SEARCH)
    assert len(inside.items) == 1, "a read in a unit of work never queues"
    assert rush.reader.running == 4


@pytest.mark.parametrize(
    "request_",
    [
        ListRequest(filters=[{"field": "title", "operator": "ilike", "value": "x"}]),
        ListRequest(filters=[{"field": "title", "operator": "like", "value": "x%"}]),
        ListRequest(filters=[{"field": "remark", "operator": "eq", "value": "x"}]),
        ListRequest(order_by=["total"]),
        ListRequest(offset=1_001),
    ],
)
async def test_each_kind_of_heavy_read_takes_a_place(rush: Rush, request_: ListRequest) -> None:
    await rush.start(ADA, ADA, ADA, request=request_)
    assert rush.reader.running == 2


async def test_a_count_takes_a_place_though_its_page_does_not(rush: Rush) -> None:
    rush.reader.holds_counts_alone = True
    await rush.start(ADA, ADA, ADA, request=ListRequest(count="exact"))
    async with asyncio.timeout(10):
        done, _ = await asyncio.wait(rush.tasks, return_when=asyncio.FIRST_COMPLETED)
    assert [type(one.exception()) for one in done] == [RateLimitError]
    assert rush.reader.running == 2


async def test_a_read_that_nobody_waits_for_keeps_its_place_until_it_ends(rush: Rush) -> None:
    first, second = await rush.start(ADA, ADA)
    first.cancel()
    [over] = await rush.start(ADA)
    with pytest.raises(RateLimitError):
        await over
    assert rush.reader.running == 2
    rush.reader.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    await asyncio.gather(*await rush.start(ADA, ADA))
