"""Runners of one consumer over the sample DocTypes, on each store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.events import DomainEvent, Interest
from framework_m_core.registry.consumers import CompiledConsumer
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.lanes import Lanes
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.events.runner import ConsumerRunner
from framework_m_core.services.events.turn import Subscription
from framework_m_core.services.runtime.injection import Injector
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry

type Handler = Callable[[DomainEvent, object], Awaitable[None]]


class DispatchedDocuments:
    """What the dispatch asks of the document service."""

    def client_for(self, context: object) -> object:
        return context


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[StoreHarness]:
    """The sample DocTypes on each store."""
    async with open_store(build_sample_registry()) as harness:
        await harness.schema_mapper.sync()
        yield harness


@pytest.fixture
async def thing(store: StoreHarness) -> Any:
    """A thing with three events."""
    made = await store.store("Thing")
    for version in (1, 2, 3):
        async with store.units(store.context) as unit:
            unit.record(store.make_event(made, version))
            await unit.commit()
    return made


NAME = "samples.handlers"


def registry_of(store: StoreHarness, handler: Handler, *types: str) -> Registry:
    topics = {f"{type_}:Thing": (handler,) for type_ in types}
    consumer = CompiledConsumer(NAME, Interest(topics), topics)
    return Registry(store.registry.doctypes, MappingProxyType({NAME: consumer}))


async def make_runner(
    store: StoreHarness, clock: TurnedClock, handler: Handler, seconds: float = 10.0, width: int = 4
) -> ConsumerRunner:
    return await runner_over(registry_of(store, handler, "doc.updated"), store, clock, seconds, width)


async def runner_over(
    registry: Registry, store: StoreHarness, clock: TurnedClock, seconds: float = 10.0, width: int = 4
) -> ConsumerRunner:
    await store.consumers.register({NAME: registry.consumers[NAME].interest}, clock())
    return runner_of(RegistryHandle(registry), store, clock, seconds, width)


def runner_of(
    registry_handle: RegistryHandle, store: StoreHarness, clock: TurnedClock, seconds: float = 10.0, width: int = 4
) -> ConsumerRunner:
    limits = EventLimits(seconds, width, retention=timedelta(days=7))
    dispatch = EventDispatch(registry_handle, DispatchedDocuments(), store.consumers, clock, Injector({}), limits)  # type: ignore[arg-type]
    lanes = partial(Lanes, partial(dispatch.deliver, NAME), width)
    subscription = Subscription(NAME, partial(dispatch.is_wanted, NAME), lanes)
    return ConsumerRunner(subscription, store.outbox, store.consumers, clock)


def failing_once(version: int, seen: list[int]) -> Callable[[DomainEvent, object], Awaitable[None]]:
    """Return a handler that notes versions, and fails the first time that it gets this one."""
    fails = [True]

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == version and fails:
            fails.pop()
            raise ZeroDivisionError
        seen.append(event.version)

    return handler
