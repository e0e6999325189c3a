"""The event bus over JetStream keeps its contract, on a real server."""

from __future__ import annotations

from framework_m_testing.contracts.event_bus import EventBusContract


class TestNatsEventBus(EventBusContract):
    """Events in a stream, groups as durable consumers."""
