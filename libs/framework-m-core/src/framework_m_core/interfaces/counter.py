"""Port `CounterProtocol`: numbers for naming series."""

from __future__ import annotations

from typing import Protocol

from framework_m_core.domain.context import RequestContext

__all__ = ["CounterProtocol"]


class CounterProtocol(Protocol):
    """Counters by prefix; each call runs outside any unit of work, so a rolled-back write leaves a gap.

    Contract: no number of a counter is ever allocated twice, however many callers there are. Where tenants are kept
    apart, each has counters of its own.
    """

    async def allocate(self, context: RequestContext, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers and return the first; a new counter starts at 1. Raises TransientError."""
        ...
