"""Port `IdempotencyProtocol`: the answers of writes that carried an idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["IdempotencyProtocol", "StoredAnswer"]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a keyed write. `key` covers principal, method, path and the client's key; `body_hash` the
    request's body; `etag` and `location` are header values; the whole is kept until `expires`."""

    key: str
    body_hash: str
    status: int
    body: bytes
    etag: str | None
    location: str | None
    expires: datetime


class IdempotencyProtocol(Protocol):
    """Looks answers up; they are inserted by the unit of work alone, in the transaction of the write.

    Contract: two units that insert the same live key cannot both commit; the later gets TransientError, and its
    retry finds the answer of the first.
    """

    async def find(self, key: str, now: datetime) -> StoredAnswer | None:
        """The answer kept under a key, unless it has expired."""
        ...

    async def prune(self, now: datetime) -> int:
        """Removes expired answers; returns how many."""
        ...
