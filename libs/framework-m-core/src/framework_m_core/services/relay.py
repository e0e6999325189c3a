"""The outbox relay: hands events to the app's handlers, in order per document, at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.scope import RequestScope, system_scope
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol, OutboxRow
from framework_m_core.registry.snapshot import Snapshot
from framework_m_core.services.documents import DocumentService
from framework_m_core.services.equipment import NO_EQUIPMENT, Equipment

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
    """One loop per process; the lease lets one of them work at a time, whatever the number of workers."""

    def __init__(
        self,
        snapshot: Snapshot,
        outbox: OutboxProtocol,
        documents: DocumentService,
        idempotency: IdempotencyProtocol,
        clock: Clock,
        equipment: Equipment = NO_EQUIPMENT,
    ) -> None:
        self._snapshot = snapshot
        self._outbox = outbox
        self._documents = documents
        self._idempotency = idempotency
        self._clock = clock
        self._equipment = equipment
        self._holder = uuid4().hex
        self._prune_at = clock()
        self._leased = False

    async def run(self) -> None:
        """Works until cancelled; a store that is away is waited for."""
        try:
            while True:
                try:
                    delivered = await self.work()
                except RepositoryError as error:
                    _log.warning("the outbox cannot be read, trying again: %s", error)
                    delivered = 0
                except Exception:
                    _log.exception("the relay failed, trying again")
                    delivered = 0
                if delivered < BATCH:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            with suppress(RepositoryError):
                await self._outbox.release(self._holder)

    async def work(self) -> int:
        """Delivers one batch, if this relay has the lease; returns how many events it took."""
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
        """Delivers while the lease is renewed, so that a slow handler does not lose it to another relay."""
        self._leased = True
        renewal = asyncio.create_task(self._renew())
        try:
            await self._deliver(rows)
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)

    async def _renew(self) -> None:
        """Keeps the lease; where that fails or takes too long, whatever the reason, it counts as lost."""
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
        """Handles rows until the lease is lost. What was handled is marked in between, and whatever happens."""
        waiting: set[UUID] = set()
        handled: list[int] = []
        mark_at = self._clock() + _MARK_EVERY
        try:
            for row in rows:
                if not self._leased:
                    return
                stream = row.event.document_id
                if stream in waiting:
                    continue
                if await self._handle(row):
                    handled.append(row.position)
                else:
                    waiting.add(stream)
                if handled and self._clock() >= mark_at:
                    await self._outbox.mark_published(handled, self._clock())
                    handled, mark_at = [], self._clock() + _MARK_EVERY
        finally:
            if handled:
                await self._outbox.mark_published(handled, self._clock())

    async def _handle(self, row: OutboxRow) -> bool:
        """Runs all handlers of an event; a failure is counted and the event tried again later."""
        event = row.event
        for handler in self._snapshot.handlers_of(event.doctype, event.type):
            try:
                door = self._documents.scoped(self._scope(row))
                await handler(event, door, **self._equipment.arguments(handler))
            except Exception as error:
                _log.exception("a handler of %s.%s failed", event.doctype, event.type)
                await self._failed(row, error)
                return False
        return True

    async def _failed(self, row: OutboxRow, error: Exception) -> None:
        attempts = row.attempts + 1
        pause = timedelta(seconds=min(2**attempts, 600))
        retry_at = None if attempts >= MAX_ATTEMPTS else self._clock() + pause
        await self._outbox.mark_failed(row.position, f"{type(error).__name__}: {error}", retry_at)

    def _scope(self, row: OutboxRow) -> RequestScope:
        event = row.event
        scope = system_scope(f"handler of {event.doctype}.{event.type}", source="event", clock=self._clock)
        return RequestScope(
            principal=scope.principal,
            tenant=event.tenant,
            source="event",
            clock=self._clock,
            correlation_id=event.correlation_id,
            causation_id=event.id,
        )
