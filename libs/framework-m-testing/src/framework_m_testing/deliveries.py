"""Delivery of events to consumers on request, by the steps that a server takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from itertools import repeat
from typing import Protocol
from uuid import UUID, uuid4

from framework_m_core.container.container import Container
from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock, Uuid7Generator
from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.events import AnyEvent, DocUpdated, StoredEvent
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.event_bus import Delivery, EventBusProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.registry.consumers import BUS
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.lanes import Lanes
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.events.runner import ConsumerRunner
from framework_m_core.services.events.turn import LEASE, ConsumerTurn, Subscription

__all__ = [
    "DELIVERY_TIMEOUT_SECONDS",
    "Deliveries",
    "RecordingGroup",
    "drain",
    "drain_all",
    "fail_once",
    "make_events",
    "mix",
    "publish",
    "publish_patiently",
    "settle",
    "wait_until",
]


class _Source(Protocol):
    async def prepare(self) -> Sequence[ConsumerRunner]: ...


async def drain(runner: ConsumerRunner) -> bool:
    """Deliver what is due to a consumer, and return whether anything was; nothing is while another holds the lease.

    Raises ConsumerUnavailableError and the errors of the store.
    """
    async with runner.take_turn() as turn:
        return turn is not None and await _finish(turn)


async def _finish(turn: ConsumerTurn) -> bool:
    """Take the steps of a turn until nothing is left to do, or its lease is lost; return whether there were events."""
    found = False
    while turn.is_active:
        found = await turn.step() or found
        if turn.is_idle:
            break
        await turn.wait()
    return found


async def drain_all(source: _Source) -> bool:
    """Deliver what is due to all consumers of an event delivery or a relay, and what they cause."""
    found = False
    while any([await drain(runner) for runner in await source.prepare()]):
        found = True
    return found


class Deliveries:
    """Delivers events as a server does, but only when the test asks for it; a failing handler fails the test."""

    def __init__(self, container: Container) -> None:
        self._outbox: OutboxProtocol = container.get("outbox")
        self._consumers: ConsumersProtocol = container.get("consumers")
        self._registration: ConsumerRegistration = container.get("consumer_registration")
        self._dispatch: EventDispatch = container.get("event_dispatch")
        self._clock: Clock = container.get("clock")
        self._runners: dict[str, ConsumerRunner] = {}

    async def deliver(self) -> None:
        """Deliver all pending events, one after the other, including those that the handlers cause.

        Raises what a handler raised; its event is delivered again next time. Raises RuntimeError while another process
        delivers.
        """
        try:
            while any([await self._deliver_to(runner) for runner in await self.prepare()]):
                pass
        except ConsumerUnavailableError as error:
            raise error.__cause__ or error from None
        finally:
            for runner in self._runners.values():
                await runner.release()

    async def prepare(self) -> Sequence[ConsumerRunner]:
        """Return a runner for each consumer but the bus."""
        for name in await self._registration.register():
            if name != BUS and name not in self._runners:
                lanes = partial(Lanes, partial(self._deliver, name), 1)
                subscription = Subscription(name, partial(self._dispatch.is_wanted, name), lanes)
                self._runners[name] = ConsumerRunner(subscription, self._outbox, self._consumers, self._clock)
        return tuple(self._runners.values())

    async def _deliver_to(self, runner: ConsumerRunner) -> bool:
        async with runner.take_turn() as turn:
            if turn is None:
                raise _taken()
            found = await _finish(turn)
            if not turn.is_active:
                raise _taken()
            return found

    async def _deliver(self, name: str, event: StoredEvent) -> None:
        """Deliver an event; after a failure the others wait, and none is counted."""
        try:
            await self._dispatch.deliver(name, event)
        except Exception as error:
            raise ConsumerUnavailableError(str(error)) from error


def _taken() -> RuntimeError:
    return RuntimeError(
        "events cannot be delivered: another process delivers those of this database, such as a server, or was "
        f"killed less than {LEASE.seconds} seconds ago; stop it, or give the test a database of its own"
    )


_IDS = Uuid7Generator()
DELIVERY_TIMEOUT_SECONDS = 20
"""How long an event may take to be delivered or redelivered."""


def make_events(*versions: int, document: UUID | None = None) -> list[AnyEvent]:
    """Return events of one document."""
    document = document or uuid4()
    data = {"name": "ä ☃", "changed": ["x"], "n": 1, "nothing": None}
    return [
        DocUpdated(
            id=_IDS(), doctype="Thing", document_id=document, version=version, index=1, tenant="t", actor="tester",
            occurred_at=datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC), correlation_id=uuid4(), causation_id=uuid4(),
            data=data,
        )
        for version in versions
    ]  # fmt: skip


class RecordingGroup:
    """A subscriber that records the events it handles, and fails where `fails` returns True."""

    def __init__(self, fails: Callable[[AnyEvent], bool] = lambda _: False) -> None:
        self.handled: list[AnyEvent] = []
        self._fails = fails
        self._grown = asyncio.Event()

    async def __call__(self, event: AnyEvent) -> None:
        await asyncio.sleep(0)
        if self._fails(event):
            raise ZeroDivisionError(f"version {event.version}")
        self.handled.append(event)
        self._grown.set()

    async def has(self, events: Sequence[AnyEvent]) -> None:
        """Wait until all of these events are handled."""
        async with asyncio.timeout(DELIVERY_TIMEOUT_SECONDS):
            while not {event.id for event in events} <= {event.id for event in self.handled}:
                self._grown.clear()
                await self._grown.wait()

    def list_first_times(self, document: UUID) -> list[int]:
        """Return the versions of a document in the order in which they were first handled."""
        return list(dict.fromkeys(event.version for event in self.handled if event.document_id == document))


def fail_once(*versions: int) -> Callable[[AnyEvent], bool]:
    """Return a predicate that is True once for each of these versions."""
    left = set(versions)

    def fails(event: AnyEvent) -> bool:
        is_first = event.version in left
        left.discard(event.version)
        return is_first

    return fails


async def publish(bus: EventBusProtocol, events: Sequence[AnyEvent]) -> list[Delivery]:
    """Publish events and return what became of them."""
    async with aclosing(bus.publish(events)) as deliveries:
        return [delivery async for delivery in deliveries]


async def settle(bus: EventBusProtocol, events: Sequence[AnyEvent]) -> None:
    """Publish until all events are settled, as the relay does."""
    left = list(events)
    for _ in range(20):
        try:
            settled = {delivery.event_id for delivery in await publish(bus, left) if delivery.error is None}
        except TransientError:
            settled = set()
        left = [event for event in left if event.id not in settled]
        if not left:
            return
    raise AssertionError(f"expected all events to be settled, got {len(left)} that are not")


async def publish_patiently(bus: EventBusProtocol, events: Sequence[AnyEvent]) -> None:
    """Publish once that is possible: a broker is back, or has room as a group has handled enough."""

    async def is_published() -> bool:
        try:
            return len(await publish(bus, events)) == len(events)
        except TransientError:
            return False

    await wait_until(is_published)


async def wait_until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(DELIVERY_TIMEOUT_SECONDS):
        for pause in repeat(0.02):
            if await holds():
                return
            await asyncio.sleep(pause)


def mix(*documents: list[AnyEvent]) -> Iterator[AnyEvent]:
    """Yield the events of several documents alternately."""
    for together in zip(*documents, strict=True):
        yield from together
