"""Port `CounterProtocol`: numbers for naming series."""

from __future__ import annotations

from typing import Protocol

__all__ = ["CounterProtocol"]


class CounterProtocol(Protocol):
    """Counters by text; each call stands alone, outside any unit of work, so a rolled-back write leaves a gap.

    Contract: no number of a counter is ever given twice, whatever the number of callers.
    """

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Reserves `n` numbers and returns the first; a new counter starts at 1."""
        ...
