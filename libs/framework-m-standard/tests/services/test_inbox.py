"""The inbox over every store: what a subscriber writes is stored once, whole, with the fact that it is handled."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.events import AnyEvent
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.events.inbox import Inbox
from framework_m_core.services.events.limits import EventLimits
from framework_m_testing.deliveries import make_events

from .wiring import Wired


@pytest.fixture
def inbox(shop: Wired) -> Inbox:
    store = shop.adapters
    return Inbox(
        store.registry_handle,
        store.units,
        shop.documents,
        store.idempotency,
        system_clock,
        EventLimits(300.0, 8, timedelta(days=7)),
    )


async def _notes(shop: Wired) -> list[str]:
    of_tenant = dataclasses.replace(shop.adapters.context, tenant="t")  # the events' own
    found = await shop.documents.client_for(of_tenant).list("Note", limit=100)
    return sorted(row["text"] for row in found.items)


async def _note(event: AnyEvent, documents: DocumentClient) -> None:
    await documents.create("Note", {"text": f"v{event.version}"})


async def test_an_event_that_is_delivered_again_writes_nothing(shop: Wired, inbox: Inbox) -> None:
    """For the same group; another one handles it, too."""
    first, second = make_events(1, 2)
    handle, other = inbox.wrap_once("one", _note), inbox.wrap_once("other", _note)
    for event in (first, second, first, first, second):
        await handle(event)
    assert await _notes(shop) == ["v1", "v2"]
    await other(first)
    assert await _notes(shop) == ["v1", "v1", "v2"]


async def test_a_handler_that_fails_leaves_nothing_and_may_try_again(shop: Wired, inbox: Inbox) -> None:
    failing = True

    async def handler(event: AnyEvent, documents: DocumentClient) -> None:
        await _note(event, documents)
        if failing:
            raise ZeroDivisionError

    handle = inbox.wrap_once("one", handler)
    (event,) = make_events(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await handle(event)
    assert await _notes(shop) == []
    failing = False
    await handle(event)
    assert await _notes(shop) == ["v1"]


async def test_of_deliveries_at_once_one_writes(shop: Wired, inbox: Inbox) -> None:
    """As after a lease that was lost while its holder went on."""
    (event,) = make_events(1)
    handle = inbox.wrap_once("one", _note)
    await asyncio.gather(*(handle(event) for _ in range(4)))
    assert await _notes(shop) == ["v1"]
