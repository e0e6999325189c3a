"""Port `CounterProtocol`: numbers for naming series."""

from __future__ import annotations

from typing import Protocol

__all__ = ["CounterProtocol"]


class CounterProtocol(Protocol):
    """Counters by prefix; each call runs outside any unit of work, so a rolled-back write leaves a gap.

    Contract: no number of a counter is ever allocated twice, however many callers there are.
    """

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers and return the first; a new counter starts at 1."""
        ...
