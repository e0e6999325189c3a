"""`NatsEventBus`: port `EventBusProtocol` over one JetStream stream, with a durable consumer for each group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final
from uuid import uuid4

from nats.errors import MaxPayloadError
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError

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
from framework_m_standard.nats.client import NatsClient, translate_errors
from framework_m_standard.nats.group import NatsGroup
from framework_m_standard.nats.records import Records

__all__ = ["NatsEventBus"]

_SECONDS_PER_HOUR: Final = 3600
_FULL: Final = {10077}
_NAME_IN_USE: Final = 10058
_ROOM_AT_ONCE: Final = 1000
_MESSAGE_ID: Final = "Nats-Msg-Id"


class NatsEventBus(BrokerBus):
    """Events in a stream, which keeps them for `[nats] stream_retention_hours`, `max_stream_events` at most.

    Of a group's members one has the lease and gets all its events, so that those of a key stay in order. A stream that
    is full of what some group has not handled yet takes no more: events wait in the outbox.
    """

    def __init__(
        self, nats_client: NatsClient, registry_handle: RegistryHandle, clock: Clock, retries: Retries | None = None
    ) -> None:
        super().__init__(registry_handle, clock, retries)
        prefix = nats_client.settings.prefix
        self._client = nats_client
        self._records = Records(nats_client)
        self._stream, self._subject = f"{prefix}_events", f"{prefix}.events"
        self._holder = uuid4().hex

    async def open(self) -> None:
        """Make the streams, or bring them in line with the settings."""
        settings = self._client.settings
        events = StreamConfig(
            name=self._stream,
            subjects=[self._subject],
            max_msgs=settings.max_stream_events,
            max_age=settings.stream_retention_hours * _SECONDS_PER_HOUR,
            discard=DiscardPolicy.NEW,
            storage=StorageType.FILE,
            num_replicas=settings.replicas,
        )
        for config in (events, self._records.describe_stream()):
            with translate_errors():
                try:
                    await self._client.jetstream.add_stream(config)
                except BadRequestError as error:
                    if error.err_code != _NAME_IN_USE:
                        raise
                    await self._client.jetstream.update_stream(config)

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        """Store events, those of a key one after the other, and yield a delivery for each that is stored."""
        keys: dict[str, list[AnyEvent]] = {}
        for event in events:
            keys.setdefault(event.key, []).append(event)
        chains = [asyncio.create_task(self._publish_all(of_key)) for of_key in keys.values()]
        try:
            for chain in chains:
                deliveries, error = await chain
                for delivery in deliveries:
                    yield delivery
                if error is not None:
                    raise error
        finally:
            for chain in chains:
                chain.cancel()
            await asyncio.gather(*chains, return_exceptions=True)

    def _group(self, name: str) -> NatsGroup:
        return NatsGroup(self._client, self._records, self._stream, name, self._holder, self._clock)

    async def _publish_all(self, events: Sequence[AnyEvent]) -> tuple[list[Delivery], TransientError | None]:
        """Store the events of one key up to the first that cannot be; return what is settled, and an outage."""
        settled: list[Delivery] = []
        for event in events:
            try:
                await self._publish(event)
            except (ValueError, MaxPayloadError) as error:
                return [*settled, Delivery(event.id, ValueError(str(error)))], None
            except TransientError as error:
                return settled, error
            settled.append(Delivery(event.id))
        return settled, None

    async def _publish(self, event: AnyEvent) -> None:
        encoded, headers = encode_event(event), {_MESSAGE_ID: str(event.id)}
        for _ in range(2):
            try:
                await self._send(encoded, headers)
            except _FullError:
                if not await self._make_room():
                    break
            else:
                return
        raise TransientError(
            "the stream of events is full of what some group has not handled: see [nats] max_stream_events"
        )

    async def _send(self, encoded: bytes, headers: dict[str, Any]) -> None:
        try:
            with translate_errors():
                await self._client.jetstream.publish(self._subject, encoded, headers=headers)
        except Exception as error:
            if isinstance(error.__cause__, MaxPayloadError):
                raise error.__cause__ from None
            if isinstance(error.__cause__, APIError) and error.__cause__.err_code in _FULL:
                raise _FullError from error
            raise

    async def _make_room(self) -> bool:
        """Drop some of the oldest events, if every group has handled them; return whether there were any."""
        with translate_errors():
            stream = await self._client.jetstream.stream_info(self._stream)
            first = stream.state.first_seq
            end = min([stream.state.last_seq, first + _ROOM_AT_ONCE - 1, *(await self._handled()).values()])
            if end < first:
                return False
            await self._client.jetstream.purge_stream(self._stream, seq=end + 1)
        return True

    async def _handled(self) -> dict[str, int]:
        """Return the last event of each group up to which it has handled all, also while its consumer is made anew."""
        handled: dict[str, int] = {}
        while page := await self._client.jetstream.consumers_info(self._stream, offset=len(handled)):
            handled |= {one.name: one.ack_floor.stream_seq if one.ack_floor else 0 for one in page}
        # Read last: a position is kept before its consumer is deleted.
        for name in await self._records.find_names("*.position"):
            group = name.partition(".")[0]
            if group not in handled and (position := await self._records.get(name)) is not None:
                handled[group] = int(position[0]) - 1
        return handled


class _FullError(Exception):
    """The stream takes no more."""
