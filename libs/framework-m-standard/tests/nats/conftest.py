"""A client of a real NATS with JetStream, and buses over it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.reader import Retries
from framework_m_standard.nats.client import NatsClient
from framework_m_standard.nats.event_bus import NatsEventBus
from framework_m_standard.nats.settings import NatsSettings
from framework_m_testing.harness import build_sample_registry
from tests.nats_server import OwnNats


@pytest.fixture
def nats_settings(own_nats: OwnNats) -> NatsSettings:
    """The settings of one test."""
    return NatsSettings(url=own_nats.url, request_timeout_seconds=1)


@pytest.fixture
async def nats_client(nats_settings: NatsSettings) -> AsyncIterator[NatsClient]:
    """An open client."""
    client = NatsClient(nats_settings)
    await client.open()
    yield client
    await client.close()


@pytest.fixture
async def event_bus(nats_client: NatsClient) -> AsyncIterator[NatsEventBus]:
    """A bus without groups."""
    bus = NatsEventBus(nats_client, RegistryHandle(build_sample_registry()), system_clock, Retries(3, 0.05))
    await bus.open()
    yield bus
    await bus.close()
