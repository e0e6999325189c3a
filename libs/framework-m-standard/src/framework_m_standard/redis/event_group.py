"""`RedisGroup`: what Redis holds of a group of the event bus, changed by the holder of its lease alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from framework_m_core.spi import (
    DatabaseError,
    Entries,
    Failures,
    LeaseLostError,
    ParkedDelivery,
    RepositoryError,
    Retried,
    StoredEvent,
)
from framework_m_standard.redis import event_scripts as scripts
from framework_m_standard.redis.client import Argument, RedisClient
from framework_m_standard.redis.microseconds import to_microseconds, to_milliseconds

__all__ = ["RedisGroup"]

_MEMBER: Final = "holder"
"""The one consumer of each group: whoever holds the lease, so that what a crashed holder had is its successor's."""

_PARTS: Final = ("lease", "failures", "parked", "kept", "again")
"""What is kept of a group beside the stream, in the order in which scripts expect it."""

_MAX_PARKED: Final = 10_000
_RETRIED_AT_ONCE: Final = 10


class RedisGroup:
    """The stream as one group sees it. Raises LeaseLostError where only the holder may write."""

    def __init__(self, client: RedisClient, stream: str, name: str, holder: str) -> None:
        self.name = name
        self._client = client
        self._stream = stream
        self._holder = holder
        self._is_holder = False
        self._keys = {part: client.key_of("events", part, name) for part in _PARTS}
        self._lease = client.make_script(scripts.LEASE)
        self._release = client.make_script(scripts.RELEASE)
        self._read = client.make_script(scripts.READ)
        self._acknowledge = client.make_script(scripts.ACKNOWLEDGE)
        self._set_back = client.make_script(scripts.SET_BACK)
        self._park = client.make_script(scripts.PARK)
        self._retry = client.make_script(scripts.RETRY)
        self._drop = client.make_script(scripts.DROP)
        self._unpark = client.make_script(scripts.UNPARK)
        self._forget = client.make_script(scripts.FORGET)

    async def create(self, start: str = "$") -> None:
        """Create the group, unless it exists, so that it gets what comes after an id."""
        try:
            await self._client.execute("XGROUP", "CREATE", self._stream, self.name, start, "MKSTREAM")
        except DatabaseError as error:
            if not str(error.__cause__).startswith("BUSYGROUP"):
                raise

    async def recover(self, error: RepositoryError) -> None:
        """Create a group that the server has lost, at the beginning of what has been published since."""
        if isinstance(error, DatabaseError) and str(error.__cause__).startswith("NOGROUP"):
            await self.create("0")

    async def lease(self, duration: timedelta) -> bool:
        """Take or renew the lease; return False if another process has it, or may have had it since `begin`."""
        wanted = "renew" if self._is_holder else "take"
        return bool(await self._lease([self._keys["lease"]], [self._holder, to_milliseconds(duration), wanted]))

    async def release(self) -> None:
        """Give the lease back, if it is held."""
        self._is_holder = False
        await self._release([self._keys["lease"]], [self._holder])

    async def read_left(self, after: str, count: int) -> Entries:
        """Return entries after an id that were read and not acknowledged."""
        return _entries_of(await self._read_after(after, count))

    async def read_new(self, count: int, seconds: float) -> Entries:
        """Return entries that nobody has read, waiting some seconds for one."""
        found = await self._read_after(">", count)
        if isinstance(found, bytes):
            wait = "COUNT", 1, "BLOCK", max(1, int(seconds * 1000))
            await self._client.execute("XREAD", *wait, "STREAMS", self._stream, found)
            found = await self._read_after(">", count)
        return [] if isinstance(found, bytes) else _entries_of(found)

    async def read_entry(self, entry: str) -> bytes | None:
        """Return one entry, unless it is no longer in the stream."""
        found = await self._client.execute("XRANGE", self._stream, entry, entry)
        return _event_of(found[0][1]) if found else None

    async def begin(self) -> Mapping[str, Failures]:
        """Begin to read as the holder; return the entries that have failed."""
        self._is_holder = True
        found: Mapping[bytes, bytes] = await self._client.execute("HGETALL", self._keys["failures"])
        return {id.decode(): Failures(*json.loads(text)) for id, text in found.items()}

    async def acknowledge(self, *entries: str) -> None:
        """Note that entries are handled."""
        keys = [self._stream, self._keys["lease"], self._keys["failures"]]
        self._require(await self._acknowledge(keys, [self.name, self._holder, *entries]))

    async def set_back(self, entry: str, encoded: bytes, failures: Failures) -> None:
        """Note that an entry has failed; it stays pending in the stream, as do those behind it."""
        if failures.attempts:
            keys, noted = [self._keys["lease"], self._keys["failures"]], [failures.attempts, failures.due]
            self._require(await self._set_back(keys, [self._holder, entry, json.dumps(noted)]))

    async def park(
        self, entry: str, event: StoredEvent, encoded: bytes, attempts: int, error: str, now: datetime
    ) -> bool:
        """Give up an event; return False if too many are parked.

        It is of an entry or, without one, was retried: such a one keeps its place among the parked.
        """
        kept = {
            "topic": event.topic, "key": event.key, "attempts": attempts, "error": error, "at": now.isoformat(),
            "event": encoded.decode(),
        }  # fmt: skip
        head = self.name, self._holder, entry, str(event.id)
        arguments: list[Argument] = [*head, to_microseconds(now), json.dumps(kept), _MAX_PARKED]
        return self._require(await self._park([self._stream, *self._keys.values()], arguments)) > 0

    async def read_parked(self, limit: int) -> list[ParkedDelivery]:
        """Return what is parked, the oldest first."""
        ids = await self._client.execute("ZRANGE", self._keys["parked"], 0, limit - 1) if limit > 0 else []
        texts = await self._client.execute("HMGET", self._keys["kept"], *ids) if ids else []
        pairs = zip(ids, texts, strict=True)
        return [_parked(UUID(id.decode()), json.loads(text)) for id, text in pairs if text is not None]

    async def retry(self, event_id: UUID | None) -> int:
        """Have one parked event, or all, delivered once more; return their number."""
        keys = [self._keys[part] for part in ("parked", "kept", "again")]
        return int(await self._retry(keys, ["" if event_id is None else str(event_id)]))

    async def drop(self, event_id: UUID | None) -> int:
        """Forget one parked event, or all; return their number."""
        keys = [self._keys[part] for part in ("parked", "kept")]
        return int(await self._drop(keys, ["" if event_id is None else str(event_id)]))

    async def read_retried(self) -> list[Retried]:
        """Return some of the events that are to be delivered once more."""
        _, flat = await self._client.execute("HSCAN", self._keys["again"], 0, "COUNT", _RETRIED_AT_ONCE)
        found: Mapping[bytes, bytes] = flat
        read = [(id.decode(), json.loads(text)) for id, text in found.items()]
        return [Retried(id, kept["event"].encode(), kept["attempts"]) for id, kept in read]

    async def unpark(self, event_id: str) -> None:
        """Note that an event that was retried is handled."""
        self._require(await self._unpark([self._keys["lease"], self._keys["again"]], [self._holder, event_id]))

    async def rewind(self, since: datetime) -> None:
        """Have what was published since a time delivered again; a group is never moved forward."""
        before = max(0, to_microseconds(since) // 1000 - 1)
        groups = await self._client.execute("XINFO GROUPS", self._stream)
        current = next((one["last-delivered-id"] for one in groups if one["name"] == self.name.encode()), b"0-0")
        if before < int(current.partition(b"-")[0]):
            await self._client.execute("XGROUP", "SETID", self._stream, self.name, f"{before}-{2**64 - 1}")

    async def forget(self) -> None:
        """Remove the group with all that there is of it."""
        await self._forget([self._stream, *self._keys.values()], [self.name])

    async def _read_after(self, after: str, count: int) -> Any:
        found = await self._read([self._stream, self._keys["lease"]], [self._holder, self.name, _MEMBER, count, after])
        if not found:
            raise self._lease_lost()
        return found

    def _require(self, response: Any) -> int:
        if not response:
            raise self._lease_lost()
        return int(response)

    def _lease_lost(self) -> LeaseLostError:
        return LeaseLostError(f"another process has the lease of the group {self.name!r}")


def _entries_of(found: Sequence[tuple[bytes, Sequence[tuple[bytes, Sequence[bytes] | None]]]]) -> Entries:
    return [(id.decode(), _event_of(_pairs(fields))) for id, fields in found[0][1]]


def _pairs(fields: Sequence[bytes] | None) -> Mapping[bytes, bytes] | None:
    return dict(zip(fields[::2], fields[1::2], strict=True)) if fields else None


def _event_of(fields: Mapping[bytes, bytes] | None) -> bytes | None:
    return fields.get(b"event") if fields else None


def _parked(event_id: UUID, kept: Mapping[str, Any]) -> ParkedDelivery:
    return ParkedDelivery(
        event_id, kept["topic"], kept["key"], kept["attempts"], kept["error"], datetime.fromisoformat(kept["at"])
    )
