"""`ConsumerRunner`: delivers events to one consumer, in order per key, at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RELAY
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.services.events.progress import UnsavedProgress
from framework_m_core.services.events.turn import LEASE, POLL_SECONDS, ConsumerTurn, Subscription

__all__ = ["ConsumerRunner"]

_log = logging.getLogger(__name__)

_UNAVAILABLE_PAUSE_SECONDS = 5.0


class ConsumerRunner:
    """One consumer in one process; its lease lets only one process deliver at a time."""

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
        self._turn: ConsumerTurn | None = None
        self._has_turn = False

    async def run(self) -> None:
        """Deliver until stopped, waiting while the store or what the consumer delivers to is unavailable."""
        with bind_log_context(LogContext(source=RELAY)):
            try:
                while not self._stopped.is_set():
                    seconds = await self._run_once()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopped.wait(), seconds)
            finally:
                with suppress(RepositoryError):
                    await self.release()

    async def _run_once(self) -> float:
        """Deliver until the lease is lost, and return the seconds to wait before the next try."""
        try:
            async with self.take_turn() as turn:
                while turn is not None and turn.is_active:
                    await turn.step()
                    await turn.wait()
        except ConsumerUnavailableError as error:
            _log.warning("consumer %s could not deliver, retrying: %s", self._name, error)
            return _UNAVAILABLE_PAUSE_SECONDS
        except RepositoryError as error:
            _log.warning("could not deliver events, retrying: %s", error)
        except Exception:
            _log.exception("consumer %s failed, retrying", self._name)
        return POLL_SECONDS

    @asynccontextmanager
    async def take_turn(self) -> AsyncIterator[ConsumerTurn | None]:
        """Take the lease and yield the steps under it; yield None while another process, or another turn, has it."""
        if self._has_turn:
            yield None
            return
        self._has_turn = True
        try:
            cursor = await self._consumers.lease(self._name, self._holder, self._clock(), LEASE)
            if cursor is None:
                yield None
                return
            progress = UnsavedProgress(cursor, await self._consumers.read_waiting(self._name))
            self._turn = turn = ConsumerTurn(
                self._subscription, self._outbox, self._consumers, self._clock, self._holder, progress, self._stopped
            )
            renewal = asyncio.create_task(turn.renew(), name=f"lease of {self._name}")
            try:
                yield turn
            finally:
                renewal.cancel()
                await asyncio.gather(renewal, return_exceptions=True)
                await turn.finish()
        finally:
            self._turn, self._has_turn = None, False

    def stop(self) -> None:
        """Stop after the events that are being delivered."""
        self._stopped.set()
        if self._turn is not None:
            self._turn.halt()

    async def release(self) -> None:
        """Give the lease back."""
        await self._consumers.release(self._name, self._holder)
