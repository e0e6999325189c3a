"""`RedisEventBus`: port `EventBusProtocol` over one Redis stream, with a consumer group for each subscribed group."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

from framework_m_core.spi import (
    AnyEvent,
    BrokerBus,
    Clock,
    Delivery,
    RegistryHandle,
    Retries,
    TransientError,
    encode_event,
)
from framework_m_standard.redis import event_scripts as scripts
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.event_group import RedisGroup
from framework_m_standard.redis.microseconds import to_milliseconds

__all__ = ["RedisEventBus"]

_BYTES_AT_ONCE: Final = 4_000_000


class RedisEventBus(BrokerBus):
    """Events in a stream, which keeps them for `[redis] stream_retention_hours`, `max_stream_events` at most.

    Of a group's members one has the lease and gets all its events, so that those of a key stay in order. A stream that
    is full of what some group has not handled yet takes no more: events wait in the outbox.
    """

    def __init__(
        self,
        redis_client: RedisClient,
        registry_handle: RegistryHandle,
        clock: Clock,
        retries: Retries | None = None,
    ) -> None:
        super().__init__(registry_handle, clock, retries)
        settings = redis_client.settings
        self._client = redis_client
        self._stream = redis_client.key_of("events")
        self._limits = settings.max_stream_events, to_milliseconds(timedelta(hours=settings.stream_retention_hours))
        self._publish = redis_client.make_script(scripts.PUBLISH)
        self._holder = uuid4().hex

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        """Store events, and yield a delivery for each. Raises TransientError while the stream is full."""
        encoded: list[tuple[AnyEvent, bytes]] = []
        failed: set[str] = set()
        for event in events:
            try:
                if event.key not in failed:
                    encoded.append((event, encode_event(event)))
            except ValueError as error:
                failed.add(event.key)
                yield Delivery(event.id, error)
        for some in _batches(encoded):
            if not await self._publish([self._stream], [*self._limits, *(text for _, text in some)]):
                raise TransientError(
                    "the stream of events is full of what some group has not handled: see [redis] max_stream_events"
                )
            for event, _ in some:
                yield Delivery(event.id)

    def _group(self, name: str) -> RedisGroup:
        return RedisGroup(self._client, self._stream, name, self._holder)


def _batches(encoded: Sequence[tuple[AnyEvent, bytes]]) -> Iterator[list[tuple[AnyEvent, bytes]]]:
    """Yield events together as far as one command should carry."""
    batch: list[tuple[AnyEvent, bytes]] = []
    size = 0
    for one in encoded:
        if batch and size + len(one[1]) > _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one[1])
    if batch:
        yield batch
