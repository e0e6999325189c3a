"""`ConsumerRunner`: delivers events to one consumer, in order per key, at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.events import StoredEvent
from framework_m_core.domain.log_context import LogContext, bound_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol, SetAside
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.services.events.dispatch import UnknownEventTypeError
from framework_m_core.services.events.lanes import Entry, Lanes, Outcome
from framework_m_core.services.events.progress import UnsavedProgress

__all__ = ["BATCH", "LEASE", "POLL_SECONDS", "ConsumerRunner", "Subscription"]

_log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.5
LEASE = timedelta(seconds=15)
_RENEW_EVERY_SECONDS = _RENEW_TIMEOUT_SECONDS = LEASE.total_seconds() / 3
_LOOK_AGAIN_SECONDS = 5.0
_ASIDE_AFTER = timedelta(seconds=1)
_UNKNOWN_TYPE_WAITS = timedelta(minutes=10)
_STOP_TIMEOUT_SECONDS = 2.0
_UNAVAILABLE_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a consumer is: its name, the topics that it wants, its function, and how many events it takes at a time."""

    name: str
    wanted: Callable[[str], bool]
    deliver: Callable[[StoredEvent], Awaitable[None]]
    width: int


class ConsumerRunner:
    """The loop of one consumer in one process; its lease lets only one process deliver at a time."""

    def __init__(
        self, subscription: Subscription, outbox: OutboxProtocol, consumers: ConsumersProtocol, clock: Clock
    ) -> None:
        self._subscription = subscription
        self._name = subscription.name
        self._outbox = outbox
        self._consumers = consumers
        self._clock = clock
        self._holder = uuid4().hex
        self._stopped = asyncio.Event()
        self._leased = False
        self._lanes: Lanes | None = None
        self._delivered = 0
        self._more = True
        self._read_at = self._look_at = 0.0

    async def run(self) -> None:
        """Deliver until stopped, waiting while the store or what the consumer delivers to is unavailable."""
        with bound_log_context(LogContext(source="relay")):
            try:
                while not self._stopped.is_set():
                    await self._pause(await self._run_once())
            finally:
                with suppress(RepositoryError):
                    await self._consumers.release(self._name, self._holder)

    async def _run_once(self) -> float:
        """Deliver until the lease is lost, and return the seconds to wait before the next try."""
        try:
            await self._run_leased(until_idle=False)
        except ConsumerUnavailableError as error:
            _log.warning("consumer %s could not deliver, retrying: %s", self._name, error)
            return _UNAVAILABLE_PAUSE_SECONDS
        except RepositoryError as error:
            _log.warning("could not deliver events, retrying: %s", error)
        except Exception:
            _log.exception("consumer %s failed, retrying", self._name)
        return POLL_SECONDS

    def stop(self) -> None:
        """Stop after the events that are being delivered."""
        self._stopped.set()
        if self._lanes is not None:
            self._lanes.halt()

    async def work(self) -> int:
        """Deliver all that is due and return the number of deliveries: none while `run` or another process does."""
        return await self._run_leased(until_idle=True)

    async def _run_leased(self, *, until_idle: bool) -> int:
        """Take the lease and deliver while it lasts, or until nothing is left to do now."""
        if self._lanes is not None:
            return 0
        self._delivered = 0
        cursor = await self._consumers.lease(self._name, self._holder, self._clock(), LEASE)
        if cursor is None or self._lanes is not None:
            return 0
        self._leased, self._more, self._look_at = True, True, 0.0
        self._lanes = lanes = Lanes(self._subscription.deliver, self._subscription.width)
        try:
            progress = UnsavedProgress(cursor, await self._consumers.waiting(self._name))
            await self._deliver(lanes, progress, until_idle=until_idle)
        finally:
            self._lanes = None
        return self._delivered

    async def _deliver(self, lanes: Lanes, progress: UnsavedProgress, *, until_idle: bool) -> None:
        """Deliver while the lease lasts."""
        renewal = asyncio.create_task(self._renew(lanes), name=f"lease of {self._name}")
        try:
            while self._leased and not self._stopped.is_set():
                await self._step(lanes, progress, everything=until_idle)
                if until_idle and not (lanes.open or self._more or lanes.has_outcomes):
                    break
                await self._wait(lanes)
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            await self._finish(lanes, progress)

    async def _renew(self, lanes: Lanes) -> None:
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
        lanes.halt()

    async def _step(self, lanes: Lanes, progress: UnsavedProgress, *, everything: bool) -> None:
        """Note what has been delivered, take more events on their way, and save."""
        self._collect(lanes, progress)
        time = asyncio.get_running_loop().time()
        if self._has_room(lanes) and (everything or self._more or time >= self._read_at):
            taken = 0
            if everything or progress.anything_waits or time >= self._look_at:
                self._look_at = time + _LOOK_AGAIN_SECONDS
                taken = await self._take_due(lanes, progress)
            taken += await self._take_new(lanes, progress)
            self._more = self._more or taken > 0
            self._read_at = time + POLL_SECONDS
        if not everything:
            progress.set_aside_open(lanes.open.values(), self._clock() - _ASIDE_AFTER)
        await self._save(lanes, progress)

    async def _take_due(self, lanes: Lanes, progress: UnsavedProgress) -> int:
        """Take events set aside that are due."""
        now, taken = self._clock(), 0
        rows = await self._consumers.due(self._name, now, BATCH + len(lanes.open))
        self._collect(lanes, progress)
        for due in rows:
            event = due.event
            if event.position not in lanes.open and progress.is_due(event):
                progress.expect(event.position, event.key)
                lanes.put(Entry(event, due.attempts, now, aside=True))
                taken += 1
        return taken

    async def _take_new(self, lanes: Lanes, progress: UnsavedProgress) -> int:
        """Take the events after those read before; set aside those behind one of their key that is set aside."""
        batch = await self._outbox.read(progress.read_upto, BATCH, self._subscription.wanted)
        self._collect(lanes, progress)
        now = self._clock()
        for event in batch.events:
            if progress.holds_back(event.key):
                progress.set_aside(SetAside(event.position, event.key))
            else:
                lanes.put(Entry(event, 0, now, aside=False))
        progress.read_upto, self._more = batch.upto, batch.more
        return len(batch.events)

    def _collect(self, lanes: Lanes, progress: UnsavedProgress) -> None:
        """Note outcomes. Raises ConsumerUnavailableError if the consumer did."""
        unavailable: ConsumerUnavailableError | None = None
        for outcome in lanes.take():
            if isinstance(outcome.error, ConsumerUnavailableError):
                unavailable = outcome.error
                progress.note(Outcome(outcome.entry, held_back=True), self._clock())
                continue
            self._delivered += not outcome.held_back
            pause = _UNKNOWN_TYPE_WAITS if isinstance(outcome.error, UnknownEventTypeError) else None
            if (failed := progress.note(outcome, self._clock(), pause)) is not None:
                self._log_failure(outcome, failed.attempts, parked=failed.parked)
        if unavailable is not None:
            raise unavailable

    @staticmethod
    def _has_room(lanes: Lanes) -> bool:
        return len(lanes.open) <= BATCH // 2

    async def _save(self, lanes: Lanes, progress: UnsavedProgress) -> None:
        step = progress.step(lanes.open.values())
        if progress.is_saved(step):
            return
        if await self._consumers.save(self._name, self._holder, step):
            progress.saved(step)
        else:
            self._leased = False

    async def _finish(self, lanes: Lanes, progress: UnsavedProgress) -> None:
        """Wait for running deliveries, then save progress."""
        await lanes.close(_STOP_TIMEOUT_SECONDS if self._leased else 0)
        if not self._leased:
            return
        with suppress(ConsumerUnavailableError):
            self._collect(lanes, progress)
        progress.set_aside_open(lanes.open.values(), self._clock())
        await self._save(lanes, progress)

    async def _wait(self, lanes: Lanes) -> None:
        """Wait for an outcome, or for the time to look for more events."""
        await asyncio.sleep(0)
        until = asyncio.get_running_loop().time() + POLL_SECONDS
        while lanes.open and not self._stopped.is_set() and not (self._more and self._has_room(lanes)):
            seconds = until - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(lanes.changed.wait(), seconds)
            except TimeoutError:
                return
            lanes.changed.clear()
        if not lanes.open and not self._more and not lanes.has_outcomes:
            await self._pause(POLL_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    def _log_failure(self, outcome: Outcome, attempts: int, *, parked: bool) -> None:
        event = outcome.entry.event
        context = LogContext(
            source="relay",
            user_id=event.actor,
            tenant=event.tenant,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
        )
        then = f"parked: m events retry {self._name}" if parked else "tried again later"
        with bound_log_context(context):
            _log.log(
                logging.ERROR if parked else logging.WARNING,
                "event %s (%s) failed %d times for %s, %s", event.id, event.topic, attempts, self._name, then,
            )  # fmt: skip
