"""`OutboxRelay`: delivers events from the outbox to the bus, in order per document, at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing, suppress
from datetime import timedelta
from uuid import uuid4

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.hash_keys import hash_key
from framework_m_core.domain.log_context import LogContext, bound_log_context
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol, OutboxRow

__all__ = ["OutboxRelay"]

_log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.5
LEASE = timedelta(seconds=15)
KEPT = timedelta(days=7)
MAX_ATTEMPTS = 10
_PRUNE_EVERY = timedelta(minutes=10)
_MARK_EVERY = timedelta(seconds=1)


class OutboxRelay:
    """The relay loop, one per process; the lease lets only one process deliver at a time."""

    def __init__(
        self, outbox: OutboxProtocol, event_bus: EventBusProtocol, idempotency: IdempotencyProtocol, clock: Clock
    ) -> None:
        self._outbox = outbox
        self._event_bus = event_bus
        self._idempotency = idempotency
        self._clock = clock
        self._holder = uuid4().hex
        self._prune_at = clock()
        self._leased = False
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Deliver until stopped, waiting while the store or the bus is unavailable."""
        with bound_log_context(LogContext(source="relay")):
            await self._run()

    async def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    delivered = await self.work()
                except RepositoryError as error:
                    _log.warning("events cannot be delivered at present, trying again: %s", error)
                    delivered = 0
                except Exception:
                    _log.exception("the relay failed, trying again")
                    delivered = 0
                if delivered < BATCH:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopped.wait(), POLL_SECONDS)
        finally:
            with suppress(RepositoryError):
                await self._outbox.release(self._holder)

    def stop(self) -> None:
        """Stop after the event that is being delivered."""
        self._stopped.set()

    async def work(self) -> int:
        """Deliver one batch if this relay has the lease, and return the number of events read."""
        now = self._clock()
        if not await self._outbox.lease(self._holder, now, LEASE):
            return 0
        rows = await self._outbox.pending(now, BATCH)
        if rows:
            await self._deliver_leased(rows)
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_EVERY
            await self._outbox.prune(now - KEPT)
            await self._idempotency.prune(now)
        return len(rows)

    async def _deliver_leased(self, rows: Sequence[OutboxRow]) -> None:
        """Deliver while renewing the lease, so that a slow handler does not lose it to another relay."""
        self._leased = True
        renewal = asyncio.create_task(self._renew())
        try:
            await self._deliver(rows)
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)

    async def _renew(self) -> None:
        """Renew the lease until delivery ends; any error or timeout counts as losing it."""
        pause = LEASE.total_seconds() / 3
        while self._leased:
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(pause):
                    self._leased = await self._outbox.lease(self._holder, self._clock(), LEASE)
            except Exception as error:
                _log.warning("the relay's lease was not renewed, so delivery pauses: %r", error)
                self._leased = False

    async def _deliver(self, rows: Sequence[OutboxRow]) -> None:
        """Publish until the lease is lost or the relay stops; mark delivered events periodically and on exit."""
        by_event = {hash_key(row.event.id): row for row in rows}
        settled: list[int] = []
        mark_at = self._clock() + _MARK_EVERY
        try:
            async with aclosing(self._event_bus.publish([row.event for row in rows])) as deliveries:
                async for delivery in deliveries:
                    row = by_event[hash_key(delivery.event_id)]
                    if delivery.error is None:
                        settled.append(row.position)
                    else:
                        await self._failed(row, delivery.error)
                    if settled and self._clock() >= mark_at:
                        await self._outbox.mark_published(settled, self._clock())
                        settled, mark_at = [], self._clock() + _MARK_EVERY
                    if not self._leased or self._stopped.is_set():
                        return
        finally:
            if settled:
                await self._outbox.mark_published(settled, self._clock())

    async def _failed(self, row: OutboxRow, error: Exception) -> None:
        """Count a failed delivery, and retry the event later or give up."""
        attempts = row.attempts + 1
        pause = timedelta(seconds=min(2**attempts, 600))
        retry_at = None if attempts >= MAX_ATTEMPTS else self._clock() + pause
        event, then = row.event, "given up" if retry_at is None else f"tried again in {pause.total_seconds():.0f} s"
        level = logging.ERROR if retry_at is None else logging.WARNING
        context = LogContext(
            source="relay",
            user_id=event.actor,
            tenant=event.tenant,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
        )
        with bound_log_context(context):
            _log.log(level, "event %s (%s.%s) failed %d times, %s", event.id, event.doctype, event.type, attempts, then)
        await self._outbox.mark_failed(row.position, f"{type(error).__name__}: {error}", retry_at)
