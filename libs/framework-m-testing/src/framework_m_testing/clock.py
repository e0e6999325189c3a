"""`SetClock`: time for tests, which passes when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["SetClock"]


class SetClock:
    """A `Clock` that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment it shows."""
        return self.now

    def move(self, **span: float) -> None:
        """Lets time pass, given as to `timedelta`."""
        self.now += timedelta(**span)
