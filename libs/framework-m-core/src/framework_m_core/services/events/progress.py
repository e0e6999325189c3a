"""`UnsavedProgress`: what a consumer has done since its progress was saved last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from framework_m_core.domain.events import StoredEvent
from framework_m_core.interfaces.consumers import Progress, SetAside
from framework_m_core.services.events.lanes import DeliveryResult, Entry

__all__ = ["MAX_ATTEMPTS", "UnsavedProgress"]

MAX_ATTEMPTS = 10
_MAX_PAUSE_SECONDS = 600


class UnsavedProgress:
    """The cursor of a consumer, and what is set aside: known to the store, or to be saved with the next step.

    The cursor passes an event once it is handled or set aside, so that what takes long holds up nothing else.
    """

    def __init__(self, cursor: int, waiting: Iterable[tuple[int, str]]) -> None:
        self.read_upto = cursor
        self._saved = cursor
        self._waiting: dict[str, set[int]] = {}
        self._aside: dict[int, SetAside] = {}
        self._handled: list[int] = []
        for position, key in waiting:
            self._waiting.setdefault(key, set()).add(position)

    @property
    def has_waiting(self) -> bool:
        """Whether any event is set aside and not parked."""
        return bool(self._waiting)

    def holds_back(self, key: str) -> bool:
        """Return whether an event of this key is set aside, so that later ones have to be, too."""
        return key in self._waiting

    def is_due(self, event: StoredEvent) -> bool:
        """Return whether an event that the store says is due still is, after what the store does not know yet."""
        if event.position in self._handled or event.position in self._aside:
            return False
        return all(one.key != event.key or one.retry_at is None for one in self._aside.values())

    def set_aside(self, one: SetAside) -> None:
        """Note that an event is to be set aside."""
        self._aside[one.position] = one
        if one.parked:
            self._release(one.position, one.key)
        else:
            self._waiting.setdefault(one.key, set()).add(one.position)

    def expect(self, position: int, key: str) -> None:
        """Note an event that the store has set aside, such as a parked one that is retried."""
        self._waiting.setdefault(key, set()).add(position)

    def note(self, outcome: DeliveryResult, now: datetime, pause: timedelta | None = None) -> SetAside | None:
        """Note an outcome; return how the event was set aside, if it failed. `pause` is that before the retry."""
        entry, event = outcome.entry, outcome.entry.event
        if outcome.held_back:
            if not entry.is_set_aside:
                self.set_aside(SetAside(event.position, event.key, entry.attempts))
            return None
        if outcome.error is None:
            if entry.is_set_aside:
                self._handled.append(event.position)
                self._release(event.position, event.key)
            return None
        attempts = entry.attempts + 1
        pause = pause or timedelta(seconds=min(2**attempts, _MAX_PAUSE_SECONDS))
        parked = attempts >= MAX_ATTEMPTS
        error = f"{type(outcome.error).__name__}: {outcome.error}"
        failed = SetAside(event.position, event.key, attempts, None if parked else now + pause, error, parked)
        self.set_aside(failed)
        return failed

    def set_aside_open(self, entries: Iterable[Entry], before: datetime) -> None:
        """Set aside what has been on its way since before a time."""
        for entry in entries:
            if not entry.is_set_aside and entry.since <= before:
                entry.is_set_aside = True
                self.set_aside(SetAside(entry.event.position, entry.event.key, entry.attempts))

    def step(self, entries: Iterable[Entry]) -> Progress:
        """Return what is to be saved while these entries are on their way."""
        first = min((one.event.position for one in entries if not one.is_set_aside), default=self.read_upto + 1)
        return Progress(min(first - 1, self.read_upto), tuple(self._aside.values()), tuple(self._handled))

    def is_saved(self, step: Progress) -> bool:
        """Return whether a step tells the store nothing new."""
        return step.cursor == self._saved and not step.set_aside and not step.handled

    def mark_saved(self, step: Progress) -> None:
        """Note that a step, which nothing has changed since, has been saved."""
        self._saved = step.cursor
        self._aside.clear()
        self._handled.clear()

    def _release(self, position: int, key: str) -> None:
        positions = self._waiting.get(key, set())
        positions.discard(position)
        if not positions:
            self._waiting.pop(key, None)
