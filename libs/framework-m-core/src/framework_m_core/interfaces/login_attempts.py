"""Port `LoginAttemptsProtocol`: the counters of failed logins, by which a throttle refuses further ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

__all__ = ["AttemptLimits", "LoginAttemptsProtocol"]


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """How many attempts are let through within `window`, per account and network, per account, and per network."""

    window: timedelta
    per_account_and_network: int
    per_account: int
    per_network: int


class LoginAttemptsProtocol(Protocol):
    """Counts of attempts, shared by all processes.

    `account` and `network` are opaque keys of at most 200 characters, such as keyed hashes.

    Contract: of attempts at once, no more are let through than the limits say. An attempt that is refused is not
    counted. The limit of an account, from whatever network, does not hold for networks that the account is known in.
    Nothing is kept for longer than it counts.
    """

    async def begin(self, account: str, network: str, limits: AttemptLimits) -> datetime | None:
        """Count an attempt and return None; if a limit is reached, count nothing and return when it no longer is."""
        ...

    async def succeed(self, account: str, network: str, known_for: timedelta) -> None:
        """Forget the attempts on this account from this network, which from now on is known to it, for a while."""
        ...

    async def is_known(self, account: str, network: str) -> bool:
        """Return whether somebody has logged in to this account from this network, within the time that it is known."""
        ...
