"""`NatsGroup`: a durable consumer of the stream of events, and what is kept beside it of a group."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from framework_m_core.spi import (
    Clock,
    Entries,
    Failures,
    LeaseLostError,
    ParkedDelivery,
    RepositoryError,
    Retried,
    StoredEvent,
    compute_latest_end,
)
from framework_m_standard.nats.client import NatsClient, translate_errors
from framework_m_standard.nats.records import Records

__all__ = ["NatsGroup"]

_ACK_WAIT_SECONDS: Final = 60
_MAX_PARKED: Final = 10_000
_RETRIED_AT_ONCE: Final = 10
_MIN_WAIT_SECONDS: Final = 0.05


class NatsGroup:
    """One group. What is read is acknowledged in its order: an entry that must wait is set aside, with its event."""

    def __init__(self, client: NatsClient, records: Records, stream: str, name: str, holder: str, clock: Clock) -> None:
        self.name = name
        self._client = client
        self._records = records
        self._stream = stream
        self._holder = holder
        self._clock = clock
        self._lease_length = timedelta()
        self._is_holder = False
        self._reading: JetStreamContext.PullSubscription | None = None
        self._unsettled: dict[str, Msg] = {}
        self._aside: dict[str, bytes] = {}

    async def create(self) -> None:
        """Create the consumer, unless it exists: where it was, or else behind the last event."""
        if await self._info() is not None:
            return
        position = await self._records.get(f"{self.name}.position")
        if position is None:
            with translate_errors():
                stream = await self._client.jetstream.stream_info(self._stream)
            start = stream.state.last_seq + 1
            await self._records.put(f"{self.name}.position", b"%d" % start)
        else:
            start = int(position[0])
        await self._add(DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=start)

    async def recover(self, error: RepositoryError) -> None:
        """Create a consumer that the server has lost."""
        await self.create()

    async def lease(self, duration: timedelta) -> bool:
        """Take or renew the lease; return False if another process has it, or has had it since `begin`."""
        self._lease_length = duration
        found, now = await self._records.get(f"{self.name}.lease"), self._clock()
        if not self._may_take(json.loads(found[0]) if found else None, now):
            return False
        value = json.dumps([self._holder, (now + duration).isoformat()]).encode()
        taken = await self._records.replace(f"{self.name}.lease", value, found[1] if found else 0)
        if taken:
            for message in tuple(self._unsettled.values()):
                with translate_errors():
                    await message.in_progress()
        return taken

    async def release(self) -> None:
        """Give the lease back, if it is held."""
        self._is_holder = False
        reading, self._reading, self._unsettled = self._reading, None, {}
        if reading is not None:
            with translate_errors():
                await reading.unsubscribe()
        found = await self._records.get(f"{self.name}.lease")
        if found is not None and json.loads(found[0])[0] == self._holder:
            await self._records.delete(f"{self.name}.lease")

    async def begin(self) -> Mapping[str, Failures]:
        """Have delivered anew what a former holder has read and not acknowledged; return what is set aside."""
        self._is_holder = True
        await self.create()
        info = await self._info()
        if info is not None and info.ack_floor is not None:
            await self._start_anew(info, info.ack_floor.stream_seq + 1)
        self._unsettled = {}
        with translate_errors():
            self._reading = await self._client.jetstream.pull_subscribe_bind(self.name, stream=self._stream)
        failures: dict[str, Failures] = {}
        self._aside = {}
        for entry in await self._set_aside():
            found = await self._records.get(f"{self.name}.aside.{entry}")
            if found is not None:
                kept = json.loads(found[0])
                self._aside[entry] = kept["event"].encode()
                failures[entry] = Failures(kept["attempts"], kept["due"])
        return failures

    async def read_left(self, after: str, count: int) -> Entries:
        """Return what is set aside, in order."""
        entries = sorted((one for one in self._aside if int(one) > int(after)), key=int)
        return [(one, self._aside[one]) for one in entries[:count]]

    async def read_new(self, count: int, seconds: float) -> Entries:
        """Return entries that nobody has read, waiting some seconds for one."""
        if self._reading is None:
            raise LeaseLostError(f"the group {self.name!r} does not read")
        try:
            with translate_errors():
                messages = await self._fetch(self._reading, count, max(seconds, _MIN_WAIT_SECONDS))
        except _NothingNewError:
            return []
        entries: list[tuple[str, bytes | None]] = []
        for message in messages:
            entry = str(message.metadata.sequence.stream)
            if entry in self._aside:
                with translate_errors():
                    await message.ack()  # it was set aside, and that was not heard
            elif entry not in self._unsettled:
                self._unsettled[entry] = message
                entries.append((entry, message.data))
        return entries

    async def read_entry(self, entry: str) -> bytes | None:
        """Return an entry that is set aside."""
        return self._aside.get(entry)

    async def acknowledge(self, *entries: str) -> None:
        """Note that entries are handled."""
        for entry in entries:
            if self._aside.pop(entry, None) is not None:
                await self._records.delete(f"{self.name}.aside.{entry}")
            else:
                await self._acknowledge(entry)

    async def set_back(self, entry: str, encoded: bytes, failures: Failures) -> None:
        """Set an entry aside, with its event, so that those of other keys go on in order."""
        await self._require_lease()
        kept = {"attempts": failures.attempts, "due": failures.due, "event": encoded.decode()}
        await self._records.put(f"{self.name}.aside.{entry}", json.dumps(kept).encode())
        self._aside[entry] = encoded
        await self._acknowledge(entry)

    async def park(
        self, entry: str, event: StoredEvent, encoded: bytes, attempts: int, error: str, now: datetime
    ) -> bool:
        """Give up an event; return False if too many are parked.

        It is of an entry or, without one, was retried: such a one keeps its place among the parked.
        """
        await self._require_lease()
        if entry:
            taken = await self._records.find_names(f"{self.name}.parked.>", f"{self.name}.again.>")
            if len(taken) >= _MAX_PARKED:
                return False
        kept = {
            "topic": event.topic, "key": event.key, "attempts": attempts, "error": error, "at": now.isoformat(),
            "event": encoded.decode(),
        }  # fmt: skip
        microseconds = int(now.timestamp() * 1_000_000)
        await self._records.put(f"{self.name}.parked.{microseconds:020}-{event.id}", json.dumps(kept).encode())
        if entry:
            await self.acknowledge(entry)
        else:
            await self.unpark(str(event.id))
        return True

    async def read_parked(self, limit: int) -> list[ParkedDelivery]:
        """Return what is parked, the oldest first."""
        found = []
        for name in (await self._records.find_names(f"{self.name}.parked.>"))[:limit]:
            record = await self._records.get(name)
            if record is not None:
                found.append(_parked(_event_id(name), json.loads(record[0])))
        return found

    async def retry(self, event_id: UUID | None) -> int:
        """Have one parked event, or all, delivered once more; return their number."""
        moved = 0
        for name in await self._records.find_names(f"{self.name}.parked.>"):
            parked = _event_id(name)
            if event_id not in {None, parked}:
                continue
            record = await self._records.get(name)
            if record is not None:
                await self._records.put(f"{self.name}.again.{parked}", record[0])
                await self._records.delete(name)
                moved += 1
        return moved

    async def drop(self, event_id: UUID | None) -> int:
        """Forget one parked event, or all; return their number."""
        names = await self._records.find_names(f"{self.name}.parked.>")
        chosen = [name for name in names if event_id in {None, _event_id(name)}]
        for name in chosen:
            await self._records.delete(name)
        return len(chosen)

    async def read_retried(self) -> Sequence[Retried]:
        """Return some of the events to be delivered once more. Raises LeaseLostError if the group was changed."""
        if not self._aside.keys() >= set(await self._set_aside()) or await self._records.get(f"{self.name}.replay"):
            raise LeaseLostError(f"the group {self.name!r} was changed by another process: reading anew")
        found = []
        for name in (await self._records.find_names(f"{self.name}.again.>"))[:_RETRIED_AT_ONCE]:
            record = await self._records.get(name)
            if record is not None:
                kept = json.loads(record[0])
                found.append(Retried(name.rpartition(".")[2], kept["event"].encode(), kept["attempts"]))
        return found

    async def unpark(self, event_id: str) -> None:
        """Note that an event that was retried is handled."""
        await self._records.delete(f"{self.name}.again.{event_id}")

    async def rewind(self, since: datetime) -> None:
        """Have the holder deliver again what was published since a time; a group is never moved forward."""
        found = await self._records.get(f"{self.name}.replay")
        earliest = since if found is None else min(since, datetime.fromisoformat(found[0].decode()))
        await self._records.put(f"{self.name}.replay", earliest.astimezone(UTC).isoformat().encode())

    async def forget(self) -> None:
        """Remove the group with all that there is of it."""
        await self._remove()
        await self._records.delete(f"{self.name}.>")

    def _may_take(self, lease: Sequence[str] | None, now: datetime) -> bool:
        if lease is not None and lease[0] == self._holder:
            return True
        if self._is_holder:
            return False  # another process may have had it meanwhile
        return lease is None or not now < datetime.fromisoformat(lease[1]) <= compute_latest_end(
            now, self._lease_length
        )

    async def _require_lease(self) -> None:
        found = await self._records.get(f"{self.name}.lease")
        if found is None or json.loads(found[0])[0] != self._holder:
            raise LeaseLostError(f"another process has the lease of the group {self.name!r}")

    async def _acknowledge(self, entry: str) -> None:
        message = self._unsettled.get(entry)
        if message is not None:
            with translate_errors():
                await message.ack_sync(timeout=self._client.settings.request_timeout_seconds)
            self._unsettled.pop(entry, None)

    async def _set_aside(self) -> list[str]:
        return [name.rpartition(".")[2] for name in await self._records.find_names(f"{self.name}.aside.>")]

    async def _fetch(self, reading: JetStreamContext.PullSubscription, count: int, seconds: float) -> list[Msg]:
        try:
            return await reading.fetch(count, timeout=seconds)
        except (TimeoutError, NatsTimeoutError):
            if await self._info() is None:
                await self.create()
                raise LeaseLostError(f"the group {self.name!r} was moved: reading anew") from None
            raise _NothingNewError from None

    async def _info(self) -> ConsumerInfo | None:
        with translate_errors():
            try:
                found: ConsumerInfo = await self._client.jetstream.consumer_info(self._stream, self.name)
            except NotFoundError:
                return None
        return found

    async def _start_anew(self, info: ConsumerInfo, next_entry: int) -> None:
        """Have the consumer begin where a replay asks for, or with what was read and not acknowledged."""
        replay = await self._records.get(f"{self.name}.replay")
        if replay is None:
            if info.num_ack_pending:
                await self._restart(next_entry)
            return
        await self._records.put(f"{self.name}.position", b"%d" % next_entry)
        await self._remove()
        since = datetime.fromisoformat(replay[0].decode())
        made = await self._add(DeliverPolicy.BY_START_TIME, opt_start_time=since)
        if made.delivered is not None and made.delivered.stream_seq >= next_entry:
            await self._restart(next_entry)
        await self._records.delete(f"{self.name}.replay")

    async def _restart(self, start: int) -> None:
        """Make the consumer anew; where it begins is kept, should this be cut off in between."""
        await self._records.put(f"{self.name}.position", b"%d" % start)
        await self._remove()
        await self._add(DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=start)

    async def _remove(self) -> None:
        with translate_errors():
            try:
                await self._client.jetstream.delete_consumer(self._stream, self.name)
            except NotFoundError:
                return

    async def _add(self, policy: DeliverPolicy, **start: Any) -> ConsumerInfo:
        config = ConsumerConfig(
            durable_name=self.name,
            deliver_policy=policy,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_SECONDS,
            max_ack_pending=1000,
            **start,
        )
        with translate_errors():
            return await self._client.jetstream.add_consumer(self._stream, config)


class _NothingNewError(Exception):
    """There was nothing to read in time."""


def _event_id(name: str) -> UUID:
    return UUID(name.rpartition(".")[2].partition("-")[2])


def _parked(event_id: UUID, kept: Mapping[str, Any]) -> ParkedDelivery:
    return ParkedDelivery(
        event_id, kept["topic"], kept["key"], kept["attempts"], kept["error"], datetime.fromisoformat(kept["at"])
    )
