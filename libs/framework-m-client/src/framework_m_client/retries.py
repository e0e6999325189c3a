"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

__all__ = ["RETRIED_STATUSES", "RetryPolicy"]

RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `attempts` requests, and at most `total_wait_seconds` between them.

    The wait is what the server asks for by `Retry-After`, else a random time that doubles with each attempt. A server
    that asks for more than is left is not waited for.
    """

    attempts: int = 4
    total_wait_seconds: float = 30
    first_wait_seconds: float = 0.25

    def compute_delay(self, attempt: int, waited: float, asked: float | None) -> float | None:
        """Return the seconds to wait after an attempt, or None to give up."""
        if attempt >= self.attempts:
            return None
        backoff = self.first_wait_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        seconds = backoff if asked is None else asked
        return seconds if waited + seconds <= self.total_wait_seconds else None
