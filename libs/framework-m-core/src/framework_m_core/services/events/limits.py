"""`EventLimits`: how long events are kept, and how their handlers run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["EventLimits"]


@dataclass(frozen=True, slots=True)
class EventLimits:
    """The limits that an app configures for its events."""

    handler_timeout_seconds: float
    handler_concurrency: int
    retention: timedelta
