"""`Overlay`: a dictionary with changes that only one transaction sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from framework_m_core.spi import HashKey

__all__ = ["Journal", "Overlay", "OverlayKey"]

type OverlayKey = HashKey | tuple[str, HashKey]

_GONE: Final = object()
_UNTOUCHED: Final = object()


class Journal:
    """The changes of a transaction, in order, so that the latest ones can be undone."""

    def __init__(self) -> None:
        self._steps: list[tuple[dict[OverlayKey, object], OverlayKey, object]] = []

    def mark(self) -> int:
        """Return the current position, for `undo_to`."""
        return len(self._steps)

    def note(self, changes: dict[OverlayKey, object], key: OverlayKey) -> None:
        """Record the value that is about to be changed."""
        self._steps.append((changes, key, changes.get(key, _UNTOUCHED)))

    def undo_to(self, mark: int) -> None:
        """Undo all changes since a mark."""
        while len(self._steps) > mark:
            changes, key, before = self._steps.pop()
            if before is _UNTOUCHED:
                del changes[key]
            else:
                changes[key] = before


class Overlay[K: OverlayKey, V]:
    """Changes over a base dictionary, visible only here until they are applied."""

    def __init__(self, base: dict[K, V], journal: Journal) -> None:
        self._base = base
        self._journal = journal
        self._changes: dict[OverlayKey, object] = {}

    def get(self, key: K, /) -> V | None:
        """Return the value of a key, or None."""
        found = self._changes.get(key, _UNTOUCHED)
        if found is _UNTOUCHED:
            return self._base.get(key)
        return None if found is _GONE else cast("V", found)

    def values(self) -> Iterator[V]:
        """Yield every value; none may be put or removed meanwhile."""
        for key, value in self._base.items():
            if key not in self._changes:
                yield value
        for changed in self._changes.values():
            if changed is not _GONE:
                yield cast("V", changed)

    def put(self, key: K, value: V) -> None:
        """Set the value of a key."""
        self._change(key, value)

    def remove(self, key: K) -> None:
        """Remove a key."""
        self._change(key, _GONE)

    def apply(self) -> None:
        """Apply the changes to the base."""
        for key, value in self._changes.items():
            if value is _GONE:
                self._base.pop(cast("K", key), None)
            else:
                self._base[cast("K", key)] = cast("V", value)

    def _change(self, key: K, value: object) -> None:
        self._journal.note(self._changes, key)
        self._changes[key] = value
