"""`GroupReader`: delivers a group's events to the subscriber of this process while it has the group's lease."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.events import Interest, StoredEvent
from framework_m_core.interfaces.event_bus import Subscriber
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.codec import decode_event
from framework_m_core.services.events.broker.group import BrokerGroup, Entries, Failures, LeaseLostError
from framework_m_core.services.events.broker.held import HeldKeys

__all__ = ["GroupReader", "Retries"]

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 100
_MAX_HELD: Final = 10_000
_LEASE: Final = timedelta(seconds=10)
_RENEW_SECONDS: Final = _LEASE.total_seconds() / 4
_BLOCK_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 0.5
_MAX_PAUSE_SECONDS: Final = 600.0


class Retries:
    """How often an event is tried, and the seconds before each further attempt: they double, up to ten minutes."""

    def __init__(self, max_attempts: int = 10, first_pause_seconds: float = 2.0) -> None:
        self.max_attempts = max_attempts
        self._first = first_pause_seconds

    def pause(self, attempts: int) -> float:
        """Return the seconds before the next attempt after some that failed."""
        return min(self._first * 2.0 ** min(attempts - 1, 30), _MAX_PAUSE_SECONDS)


class GroupReader:
    """One member of a group. Entries stay with the broker until the subscriber has handled them."""

    def __init__(
        self,
        group: BrokerGroup,
        subscriber: Subscriber,
        interest: Interest,
        registry_handle: RegistryHandle,
        clock: Clock,
        retries: Retries,
    ) -> None:
        self._group = group
        self._subscriber = subscriber
        self._interest = interest
        self._registry_handle = registry_handle
        self._clock = clock
        self._retries = retries
        self._stopped = asyncio.Event()
        self._leased = False
        self._held = HeldKeys(_MAX_HELD)
        self._failures: dict[str, Failures] = {}
        self._look_at = 0.0
        self._task = asyncio.create_task(self._run(), name=f"group {group.name}")

    async def stop(self, timeout_seconds: float | None = None) -> None:
        """Stop after the event that is being handled, which is cut off if it takes longer than the time-out."""
        self._stopped.set()
        _, late = await asyncio.wait([self._task], timeout=timeout_seconds)
        if late:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def _goes_on(self) -> bool:
        return self._leased and not self._stopped.is_set()

    async def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if await self._group.lease(_LEASE):
                    await self._hold()
            except LeaseLostError as error:
                _log.info("%s", error)
            except RepositoryError as error:
                _log.warning("the group %s could not get its events, retrying: %s", self._group.name, error)
                with suppress(RepositoryError):
                    await self._group.recover(error)
            except Exception:
                _log.exception("the group %s failed, retrying", self._group.name)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), _PAUSE_SECONDS)

    async def _hold(self) -> None:
        """Deliver while the lease lasts."""
        self._leased = True
        renewal = asyncio.create_task(self._renew(), name=f"lease of {self._group.name}")
        try:
            await self._deliver()
        finally:
            self._leased = False
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            with suppress(RepositoryError):
                await self._group.release()

    async def _renew(self) -> None:
        while self._leased:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with asyncio.timeout(_RENEW_SECONDS):
                    self._leased = await self._group.lease(_LEASE)
            except (RepositoryError, TimeoutError):
                self._leased = False

    async def _deliver(self) -> None:
        """Deliver what a former holder has left, then what is new."""
        self._held, self._failures = HeldKeys(_MAX_HELD), dict(await self._group.begin())
        after = "0"
        while self._goes_on and (entries := await self._group.read_left(after, _AT_ONCE)):
            await self._take_all(entries)
            after = entries[-1][0]
        while self._goes_on:
            await self._retry()
            if self._held.is_full:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            await self._take_all(await self._group.read_new(_AT_ONCE, self._wait_seconds()))

    def _wait_seconds(self) -> float:
        due = self._held.next_due
        return _BLOCK_SECONDS if due is None else max(0.001, min(_BLOCK_SECONDS, due - self._now()))

    async def _take_all(self, entries: Entries) -> None:
        unwanted: list[str] = []
        for entry, encoded in entries:
            if not self._goes_on:
                break
            if entry not in self._held and not await self._take(entry, encoded):
                unwanted.append(entry)
        if unwanted:
            await self._group.acknowledge(*unwanted)

    async def _take(self, entry: str, encoded: bytes | None) -> bool:
        """Handle an entry or have it wait; return False if there is nothing to handle in it."""
        event = self._event(entry, encoded)
        if event is None or encoded is None or not self._interest.covers(event.topic):
            return False
        failures = self._failures.get(entry)
        if self._held.holds(event.key):
            self._held.put(event.key, entry)
            if failures is None:
                self._failures[entry] = Failures(0, 0)
                await self._group.set_back(entry, encoded, self._failures[entry])
        elif failures is not None and failures.due > self._now():
            self._held.hold(event.key, entry, failures.due)
        else:
            await self._try(entry, event, encoded)
        return True

    def _event(self, entry: str, encoded: bytes | None) -> StoredEvent | None:
        if encoded is None:
            _log.error("the event %s was too old for the group %s and is lost", entry, self._group.name)
            return None
        try:
            return decode_event(encoded)
        except ValueError as error:
            _log.error("the entry %s of the event bus is skipped: %s", entry, error)
            return None

    async def _try(self, entry: str, event: StoredEvent, encoded: bytes) -> bool:
        """Have the subscriber handle an event; return False if it waits for another attempt."""
        error = await self._call(event)
        if error is None:
            self._failures.pop(entry, None)
            await self._group.acknowledge(entry)
            return True
        known = self._failures.get(entry)
        attempts = known.attempts + 1 if known else 1
        if attempts >= self._retries.max_attempts:
            if await self._group.park(entry, event, encoded, attempts, error, self._clock()):
                self._failures.pop(entry, None)
                _log.error("event %s failed %d times for %s, parked: %s", event.id, attempts, self._group.name, error)
                return True
            _log.error("the group %s has too many parked events: retry or remove them", self._group.name)
        failures = self._failures[entry] = Failures(attempts, self._now() + self._retries.pause(attempts))
        self._held.hold(event.key, entry, failures.due)
        await self._group.set_back(entry, encoded, failures)
        _log.warning("event %s failed %d times for %s: %s", event.id, attempts, self._group.name, error)
        return False

    async def _call(self, event: StoredEvent) -> str | None:
        """Return the error of the subscriber, if it fails."""
        try:
            known = self._registry_handle.current.decode_event(event)
            if known is None:
                return f"UnknownEventTypeError: this process knows no event type {event.type!r}"
            await self._subscriber(known)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    async def _retry(self) -> None:
        """Try again what is due, and then what waits behind it; now and then, what was parked and is to be retried."""
        for key in self._held.take_due(self._now()):
            while self._goes_on and (entry := self._held.take(key)) is not None:
                if not await self._try_again(entry):
                    break
        time = asyncio.get_running_loop().time()
        if time >= self._look_at:
            self._look_at = time + _PAUSE_SECONDS
            for one in await self._group.read_retried():
                if self._goes_on:
                    await self._once_more(one.id, one.encoded, one.attempts + 1)

    async def _try_again(self, entry: str) -> bool:
        encoded = await self._group.read_entry(entry)
        event = self._event(entry, encoded)
        if event is None or encoded is None:
            await self._group.acknowledge(entry)
            return True
        return await self._try(entry, event, encoded)

    async def _once_more(self, event_id: str, encoded: bytes, attempts: int) -> None:
        event = self._event(event_id, encoded)
        error = await self._call(event) if event is not None else None
        if event is None or error is None:
            await self._group.unpark(event_id)
        else:
            await self._group.park("", event, encoded, attempts, error, self._clock())

    def _now(self) -> float:
        return self._clock().timestamp()
