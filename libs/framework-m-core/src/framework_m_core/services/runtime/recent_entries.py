"""`RecentEntries`: encoded values of a cache in one process, bounded in number and size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from framework_m_core.domain.clock import Clock

__all__ = ["RecentEntries"]

_CHARACTERS_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """An encoded value and its expiry, if any."""

    text: str
    expires: datetime | None


class RecentEntries:
    """Texts by key; past the bounds, the least recently used are evicted. Only `use` and `put` count as use."""

    def __init__(self, max_entries: int, max_mb: int, clock: Clock) -> None:
        self._maximum = max_entries
        self._max_characters = max_mb * _CHARACTERS_PER_MB
        self._characters = 0
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __repr__(self) -> str:
        return f"<RecentEntries: {len(self._entries)} of {self._maximum}>"

    def __contains__(self, key: str) -> bool:
        return self._live(key) is not None

    def use(self, key: str) -> str | None:
        """Return the text of a key, if any, as the most recently used."""
        entry = self._live(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.text

    def put(self, key: str, text: str, expires: datetime | None) -> None:
        """Store a text, and evict what no longer fits."""
        self.drop(key)
        self._entries[key] = _Entry(text, expires)
        self._characters += len(key) + len(text)
        while len(self._entries) > self._maximum or self._characters > self._max_characters:
            self.drop(next(iter(self._entries)))

    def drop(self, key: str) -> None:
        """Delete a key, if it exists."""
        if entry := self._entries.pop(key, None):
            self._characters -= len(key) + len(entry.text)

    def clear(self) -> None:
        """Delete all keys."""
        self._entries.clear()
        self._characters = 0

    def list_live_keys(self) -> Iterator[str]:
        """Yield the keys at the time of the call that have not expired."""
        return (key for key in list(self._entries) if self._live(key))

    def count_seconds_left(self, key: str) -> float | None:
        """Return the seconds until a key expires: 0 if it is absent, None if it does not expire."""
        entry = self._live(key)
        if entry is None:
            return 0.0
        return None if entry.expires is None else max(0.0, (entry.expires - self._clock()).total_seconds())

    def _live(self, key: str) -> _Entry | None:
        """Return the entry of a key, if any, deleting it if it has expired."""
        entry = self._entries.get(key)
        if entry is not None and entry.expires is not None and entry.expires <= self._clock():
            self.drop(key)
            return None
        return entry
