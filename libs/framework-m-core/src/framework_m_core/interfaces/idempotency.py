"""Port `IdempotencyProtocol`: responses to writes with an idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from framework_m_core.domain.context import RequestContext

__all__ = ["IdempotencyProtocol", "StoredResponse"]


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The first response to a keyed write, kept until `expires`.

    `key` covers principal, method, path and the client's key; `body_hash` covers the request's body; `etag` and
    `location` are header values.
    """

    key: str
    body_hash: str
    status: int
    body: bytes
    etag: str | None
    location: str | None
    expires: datetime


class IdempotencyProtocol(Protocol):
    """Lookup of stored responses; only the unit of work inserts them, in the transaction of the write.

    Contract: two units that insert the same live key cannot both commit; the later one gets TransientError, and its
    retry finds the response of the first.
    """

    async def find(self, context: RequestContext, key: str) -> StoredResponse | None:
        """Return the response stored under a key, unless it has expired by the context's clock."""
        ...

    async def prune(self, now: datetime) -> int:
        """Delete the expired responses of all tenants and return their number."""
        ...
