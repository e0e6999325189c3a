"""Credentials that the store has vouched for, believed for a moment so that the hot path asks nobody."""

from __future__ import annotations

import time
from collections.abc import Callable

from framework_m_standard.auth.strategies import Verified

__all__ = ["VerifiedCredentials"]

type Key = tuple[type, str]
"""The strategy and the credential: what one strategy has vouched for says nothing to another."""

type Moment = tuple[float, int]
"""When a verification began, and after how many drops."""


class VerifiedCredentials:
    """What was verified less than a second ago; bounded."""

    def __init__(self, *, seconds: float = 1.0, most: int = 10_000, now: Callable[[], float] = time.monotonic) -> None:
        self._known: dict[Key, tuple[float, Verified]] = {}
        self._drops = 0
        self._seconds = seconds
        self._most = most
        self._now = now

    def get(self, key: Key) -> Verified | None:
        """What is still believed of a credential."""
        entry = self._known.get(key)
        return entry[1] if entry is not None and self._now() - entry[0] < self._seconds else None

    def moment(self) -> Moment:
        """To be taken before a verification begins and handed to `put`."""
        return self._now(), self._drops

    def put(self, key: Key, verified: Verified, moment: Moment) -> None:
        """Keeps a verification; not one that a drop has overtaken, since it may have read what is no longer so."""
        began, drops = moment
        if drops != self._drops:
            return
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = (began, verified)

    def drop(self, applies: Callable[[Verified], bool]) -> None:
        """Believes no more what applies."""
        self._drops += 1
        self._known = {key: entry for key, entry in self._known.items() if not applies(entry[1])}
