"""Places for heavy reads: a bounded number runs at once, with at most a share of them for one caller.

The remaining store connections serve logins, point reads and pings, however many searches there are.
"""

from __future__ import annotations

from framework_m_core.services.runtime.places import Places

__all__ = ["HeavyReads"]


class HeavyReads(Places):
    """Places for `capacity` heavy reads."""

    def __init__(self, capacity: int, wait_seconds: float) -> None:
        """Create places for which a read waits for at most `wait_seconds`."""
        advice = "wait for one to end, or filter by an indexed field"
        super().__init__(capacity, wait_seconds, "searches, long lists and forms", advice)
