"""Events delivered many at a time: what a failure holds back, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.events import NO_DOCUMENT, StoredEvent
from framework_m_core.services.events.batches import Batches
from framework_m_core.services.events.lanes import Entry

from .conftest import NOW


def _entry(position: int, key: str) -> Entry:
    event = StoredEvent(
        position=position, id=UUID(int=position), type="doc.created", key=key, doctype="Thing", document_id=NO_DOCUMENT,
        version=1, index=1, occurred_at=NOW, actor="ada", tenant=None, correlation_id=None, causation_id=None,
        schema_version=1, data={},
    )  # fmt: skip
    return Entry(event, 0, NOW, is_set_aside=False)


class _Consumer:
    """Takes batches when it is let, and fails the events of a key once."""

    def __init__(self, failing: str) -> None:
        self.failing: str | None = failing
        self.batches: asyncio.Queue[list[int]] = asyncio.Queue()
        self.may_go_on = asyncio.Semaphore(0)

    async def __call__(self, events: Sequence[StoredEvent]) -> AsyncGenerator[tuple[UUID, Exception | None], None]:
        self.batches.put_nowait([event.position for event in events])
        await self.may_go_on.acquire()
        failing, self.failing = self.failing, None
        for event in events:
            yield event.id, OSError("refused") if event.key == failing else None


def _taken(batches: Batches) -> list[tuple[int, bool, bool]]:
    """Position, whether it failed and whether it was held back, of each outcome."""
    return [(one.entry.event.position, one.error is not None, one.held_back) for one in batches.take()]


async def test_a_retry_is_delivered_while_other_events_keep_coming() -> None:
    """A failure holds back what was put behind it, and nothing that is put after it is known."""
    consumer = _Consumer("a")
    batches = Batches(consumer)
    async with asyncio.timeout(5):
        batches.put(_entry(1, "a"))
        assert await consumer.batches.get() == [1]
        for entry in (_entry(2, "a"), _entry(3, "b")):
            batches.put(entry)
        consumer.may_go_on.release()
        assert await consumer.batches.get() == [3]
        assert _taken(batches) == [(1, True, False), (2, False, True)]
        batches.put(_entry(1, "a"))
        consumer.may_go_on.release()
        assert await consumer.batches.get() == [1]
        consumer.may_go_on.release()
        await batches.close(5)
    assert _taken(batches) == [(3, False, False), (1, False, False)]
    assert batches.open == {}


async def _pass_on(failure: Exception, position: int) -> tuple[list[list[int]], list[tuple[int, bool, bool]]]:
    """Deliver five events of three keys to a consumer that raises at one; return the batches and outcomes."""
    sent = list[list[int]]()

    async def deliver(events: Sequence[StoredEvent]) -> AsyncGenerator[tuple[UUID, Exception | None], None]:
        sent.append([event.position for event in events])
        for event in events:
            if position in sent[-1]:
                raise failure
            yield event.id, None

    batches = Batches(deliver)
    for place, key in enumerate("abbca", 1):
        batches.put(_entry(place, key))
    async with asyncio.timeout(5):
        while batches.open:
            await batches.changed.wait()
            batches.changed.clear()
        await batches.close(5)
    return sent, sorted(_taken(batches))


async def test_an_error_of_a_batch_is_charged_to_the_event_that_causes_it() -> None:
    sent, outcomes = await _pass_on(ValueError("too large"), 2)
    assert sent == [[1, 2, 3, 4, 5], [1], [2], [4], [5]]
    assert outcomes == [(1, False, False), (2, True, False), (3, False, True), (4, False, False), (5, False, False)]


async def test_an_outage_is_met_once() -> None:
    sent, outcomes = await _pass_on(ConsumerUnavailableError("down"), 2)
    assert sent == [[1, 2, 3, 4, 5]]
    assert [place for place, _, held_back in outcomes if held_back] == [3, 5]
