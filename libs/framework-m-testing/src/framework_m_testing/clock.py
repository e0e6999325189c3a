"""`SetClock`: a clock for tests, which they advance themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["SetClock"]


class SetClock:
    """A `Clock` that stands still until `move` is called."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the current time of this clock."""
        return self.now

    def move(self, **span: float) -> None:
        """Advance the clock by a span, given as to `timedelta`."""
        self.now += timedelta(**span)
