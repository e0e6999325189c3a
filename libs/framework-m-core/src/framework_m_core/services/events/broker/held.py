"""`HeldKeys`: entries of a stream that wait: for another attempt, or behind an earlier entry of their key."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

__all__ = ["HeldKeys"]


class HeldKeys:
    """Ids of entries by key, in their order. The first one of a key is due at a time, the others after it."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._waiting: dict[str, deque[str]] = {}
        self._due: dict[str, float] = {}
        self._ids: set[str] = set()

    def __contains__(self, entry: str) -> bool:
        return entry in self._ids

    @property
    def is_full(self) -> bool:
        """Whether no more entries should be read."""
        return len(self._ids) >= self._maximum

    @property
    def next_due(self) -> float | None:
        """When the next key is due, if any waits."""
        return min(self._due.values(), default=None)

    def holds(self, key: str) -> bool:
        """Return whether entries of a key wait."""
        return key in self._waiting

    def hold(self, key: str, entry: str, due: float) -> None:
        """Have a key wait until a time, for an entry that comes before all others of it."""
        self._waiting.setdefault(key, deque()).appendleft(entry)
        self._due[key] = due
        self._ids.add(entry)

    def put(self, key: str, entry: str) -> None:
        """Have an entry wait behind those of its key."""
        self._waiting[key].append(entry)
        self._ids.add(entry)

    def take_due(self, now: float) -> Iterator[str]:
        """Yield the keys that are due."""
        yield from [key for key, due in self._due.items() if due <= now]

    def take(self, key: str) -> str | None:
        """Remove the first entry of a key and return it; without any, the key no longer waits."""
        waiting = self._waiting.get(key)
        if not waiting:
            self._waiting.pop(key, None)
            self._due.pop(key, None)
            return None
        entry = waiting.popleft()
        self._ids.discard(entry)
        return entry
