"""Lanes: what becomes of a handler that does not end in time."""

from __future__ import annotations

import asyncio
import logging

import pytest

from framework_m_core.domain.events import StoredEvent
from framework_m_core.services.events.lanes import Lanes

from .test_batches import _entry


async def test_a_handler_that_is_cut_off_is_logged_with_its_event(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def deliver(event: StoredEvent) -> None:
        begun.set()
        await asyncio.Event().wait()

    lanes, entry = Lanes(deliver, 1), _entry(1, "a")
    with caplog.at_level(logging.INFO):
        lanes.put(entry)
        await begun.wait()
        await lanes.close(0.01)
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert str(entry.event.id) in record.getMessage()
    assert entry.event.topic in record.getMessage()
    assert [*lanes.open] == [1], "it has no outcome, and is delivered again"
