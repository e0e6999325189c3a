"""`ConsumerTurn`: deliveries to one consumer while one process has its lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.events import Interest
from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol, SetAside
from framework_m_core.interfaces.outbox import EventBatch, OutboxProtocol
from framework_m_core.services.events.dispatch import UnknownEventTypeError
from framework_m_core.services.events.lanes import DeliveryResult, Entry, InFlight
from framework_m_core.services.events.progress import UnsavedProgress

__all__ = ["BATCH", "LEASE", "POLL_SECONDS", "ConsumerTurn", "Subscription"]

_log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.5
LEASE = timedelta(seconds=15)
_RENEW_EVERY_SECONDS = _RENEW_TIMEOUT_SECONDS = LEASE.total_seconds() / 3
_LOOK_AGAIN_SECONDS = 5.0
_ASIDE_AFTER = timedelta(seconds=1)
_UNKNOWN_TYPE_WAITS = timedelta(minutes=10)
_STOP_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a consumer is: its name, the topics that it wants, and what delivers its events."""

    name: str
    wanted: Callable[[str], bool]
    lanes: Callable[[], InFlight]


class ConsumerTurn:
    """The steps of one consumer under one lease. Whoever takes them ends with `finish`."""

    def __init__(
        self,
        subscription: Subscription,
        outbox: OutboxProtocol,
        consumers: ConsumersProtocol,
        clock: Clock,
        holder: str,
        progress: UnsavedProgress,
        stopped: asyncio.Event,
    ) -> None:
        self._subscription = subscription
        self._name = subscription.name
        self._outbox = outbox
        self._consumers = consumers
        self._clock = clock
        self._holder = holder
        self._progress = progress
        self._lanes = subscription.lanes()
        self._leased = self._more = True
        self._stopped = stopped
        self._stored = Interest()
        self._read_at = self._look_at = 0.0

    @property
    def is_active(self) -> bool:
        """Whether there are further steps: the lease lasts, and nobody has stopped them."""
        return self._leased and not self._stopped.is_set()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was due is done."""
        return not (self._lanes.open or self._more or self._lanes.has_outcomes)

    def halt(self) -> None:
        """Begin no further delivery."""
        self._lanes.halt()

    async def step(self) -> bool:
        """Note what has been delivered, take more events on their way, and save; return whether any were taken."""
        self._collect()
        time = asyncio.get_running_loop().time()
        taken = 0
        if self._has_room() and (self._more or time >= self._read_at):
            if self._progress.has_waiting or time >= self._look_at:
                self._look_at = time + _LOOK_AGAIN_SECONDS
                taken = await self._take_due()
            taken += await self._take_new()
            self._more = self._more or taken > 0
            self._read_at = time + POLL_SECONDS
        self._progress.set_aside_open(self._lanes.open.values(), self._clock() - _ASIDE_AFTER)
        await self._save()
        return taken > 0

    async def wait(self) -> None:
        """Wait for an outcome, or for the time to look for more events."""
        await asyncio.sleep(0)
        until = asyncio.get_running_loop().time() + POLL_SECONDS
        while self._lanes.open and self.is_active and not (self._more and self._has_room()):
            seconds = until - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._lanes.changed.wait(), seconds)
            except TimeoutError:
                return
            self._lanes.changed.clear()
        if self.is_idle:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), POLL_SECONDS)

    async def finish(self) -> None:
        """Wait for running deliveries, and save progress."""
        await self._lanes.close(_STOP_TIMEOUT_SECONDS if self._leased else 0)
        if not self._leased:
            return
        with suppress(ConsumerUnavailableError):
            self._collect()
        self._progress.set_aside_open(self._lanes.open.values(), self._clock())
        await self._save()

    async def renew(self) -> None:
        """Renew the lease until delivery ends; any error or timeout counts as losing it."""
        while self._leased:
            await asyncio.sleep(_RENEW_EVERY_SECONDS)
            try:
                async with asyncio.timeout(_RENEW_TIMEOUT_SECONDS):
                    if not await self._consumers.renew(self._name, self._holder, self._clock(), LEASE):
                        self._leased = False
            except Exception as error:
                _log.warning("the lease of %s could not be renewed, delivery pauses: %r", self._name, error)
                self._leased = False
        self._lanes.halt()

    async def _take_due(self) -> int:
        """Take events set aside that are due."""
        now, taken = self._clock(), 0
        rows = await self._consumers.read_due(self._name, now, BATCH + len(self._lanes.open))
        self._collect()
        for due in rows:
            event = due.event
            if event.position not in self._lanes.open and self._progress.is_due(event):
                self._progress.expect(event.position, event.key)
                self._lanes.put(Entry(event, due.attempts, now, is_set_aside=True))
                taken += 1
        return taken

    async def _take_new(self) -> int:
        """Take the events after those read before; set aside those behind one of their key that is set aside."""
        batch = await self._read()
        self._collect()
        now = self._clock()
        for event in batch.events:
            if self._progress.holds_back(event.key):
                self._progress.set_aside(SetAside(event.position, event.key))
            else:
                self._lanes.put(Entry(event, 0, now, is_set_aside=False))
        self._progress.read_upto, self._more = batch.upto, batch.more
        return len(batch.events)

    async def _read(self) -> EventBatch:
        """Return the next events that the registry or the store says are wanted; a later registry may want more.

        Its interest is stored before its first event, so asking after the read leaves out none.
        """
        while True:
            passed = set[str]()
            batch = await self._outbox.read(self._progress.read_upto, BATCH, partial(self._is_wanted, passed))
            stored = (await self._consumers.read_interests()).get(self._name, Interest()) if passed else Interest()
            if not any(stored.covers(topic) for topic in passed):
                return batch
            self._stored = stored

    def _is_wanted(self, passed: set[str], topic: str) -> bool:
        if self._subscription.wanted(topic) or self._stored.covers(topic):
            return True
        passed.add(topic)
        return False

    def _collect(self) -> None:
        """Note outcomes. Raises ConsumerUnavailableError if the consumer did."""
        unavailable: ConsumerUnavailableError | None = None
        for outcome in self._lanes.take():
            if isinstance(outcome.error, ConsumerUnavailableError):
                unavailable = outcome.error
                self._progress.note(DeliveryResult(outcome.entry, held_back=True), self._clock())
                continue
            pause = _UNKNOWN_TYPE_WAITS if isinstance(outcome.error, UnknownEventTypeError) else None
            if (failed := self._progress.note(outcome, self._clock(), pause)) is not None:
                self._log_failure(outcome, failed.attempts, parked=failed.parked)
        if unavailable is not None:
            raise unavailable

    def _has_room(self) -> bool:
        return len(self._lanes.open) <= BATCH // 2

    async def _save(self) -> None:
        step = self._progress.step(self._lanes.open.values())
        if self._progress.is_saved(step):
            return
        if await self._consumers.save(self._name, self._holder, step):
            self._progress.mark_saved(step)
        else:
            self._leased = False

    def _log_failure(self, outcome: DeliveryResult, attempts: int, *, parked: bool) -> None:
        event = outcome.entry.event
        context = LogContext(
            source="relay",
            user_id=event.actor,
            tenant=event.tenant,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
        )
        then = f"parked: m events retry {self._name}" if parked else "tried again later"
        with bind_log_context(context):
            _log.log(
                logging.ERROR if parked else logging.WARNING,
                "event %s (%s) failed %d times for %s, %s", event.id, event.topic, attempts, self._name, then,
            )  # fmt: skip
