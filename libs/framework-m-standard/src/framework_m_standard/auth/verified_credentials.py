"""`VerifiedCredentials`: a short-lived cache of verified credentials, so that the hot path skips the store."""

from __future__ import annotations

import time
from collections.abc import Callable

from framework_m_standard.auth.strategies import Verified

__all__ = ["Key", "Stamp", "VerifiedCredentials"]

type Key = tuple[type, str]
"""The strategy and the credential: a verification by one strategy is not valid for another."""

type Stamp = tuple[float, int]
"""When a verification began, and the number of drops before it."""


class VerifiedCredentials:
    """A bounded cache of credentials, each valid for `seconds` from the start of its verification."""

    def __init__(
        self, *, seconds: float = 1.0, maximum: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._known: dict[Key, tuple[float, Verified]] = {}
        self._drops = 0
        self._seconds = seconds
        self._maximum = maximum
        self._now = now

    def get(self, key: Key) -> Verified | None:
        """Return the cached verification of a credential, unless it has expired."""
        entry = self._known.get(key)
        return entry[1] if entry is not None and self._now() - entry[0] < self._seconds else None

    def take_stamp(self) -> Stamp:
        """Return the current time and drop count, to be taken before a verification and passed to `put`."""
        return self._now(), self._drops

    def put(self, key: Key, verified: Verified, stamp: Stamp) -> None:
        """Cache a verification, unless a drop happened since it began: it may have read outdated data."""
        began, drops = stamp
        if drops != self._drops:
            return
        if len(self._known) >= self._maximum:
            self._known.clear()
        self._known[key] = (began, verified)

    def drop(self, applies: Callable[[Verified], bool]) -> None:
        """Remove the cached verifications to which `applies` returns true."""
        self._drops += 1
        self._known = {key: entry for key, entry in self._known.items() if not applies(entry[1])}
