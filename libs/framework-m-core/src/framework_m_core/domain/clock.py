"""Time and identity, injected so that tests and simulations can set both."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

__all__ = ["Clock", "IdGenerator", "Uuid7Generator", "system_clock"]

type Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC datetime with microseconds."""

type IdGenerator = Callable[[], UUID]
"""Returns a new, unique id."""

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_COUNTER_BITS = 12
_RANDOM_BYTES = 8
_IDS_PER_DRAW = 64


def system_clock() -> datetime:
    """Return the system time in UTC."""
    return datetime.now(UTC)


class Uuid7Generator:
    """UUIDv7 (RFC 9562, method 1): milliseconds, then a 12-bit counter, then 62 random bits.

    Ids of one generator strictly increase, even if the clock steps back or 4,096 are generated in a millisecond.
    """

    def __init__(self, milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._milliseconds = milliseconds
        self._last = 0
        self._lock = threading.Lock()
        self._random = b""

    def __call__(self) -> UUID:
        with self._lock:
            self._last = stamp = max(self._milliseconds() << _COUNTER_BITS, self._last + 1)
            if not self._random:
                self._random = os.urandom(_RANDOM_BYTES * _IDS_PER_DRAW)
            drawn, self._random = self._random[:_RANDOM_BYTES], self._random[_RANDOM_BYTES:]
        high, counter = stamp >> _COUNTER_BITS, stamp & 0xFFF
        random = int.from_bytes(drawn) >> 2
        return UUID(int=high << 80 | _VERSION | counter << 64 | _VARIANT | random)
