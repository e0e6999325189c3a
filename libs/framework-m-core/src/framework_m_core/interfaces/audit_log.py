"""Port `AuditLogProtocol`: append-only record of who did what to which document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from framework_m_core.domain.context import RequestContext

__all__ = ["AuditEntry", "AuditLogProtocol"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action on one document. `changes` maps a field to its new value, or to (old, new) on updates."""

    id: UUID
    at: datetime
    actor: str
    action: str
    doctype: str
    document_id: UUID
    version: int
    request_id: UUID
    source: str
    reason: str | None = None
    tenant: str | None = None
    changes: Mapping[str, Any]


class AuditLogProtocol(Protocol):
    """Read access to the audit log; only the unit of work appends entries, in the transaction that causes them.

    Contract: no adapter changes or removes an entry, and the store itself refuses to, if it claims `APPEND_ONLY_AUDIT`;
    the context says whose tenant's entries are read.
    """

    async def list_entries(
        self, context: RequestContext, doctype: str, document_id: UUID, *, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Return the newest entries of one document, oldest first."""
        ...
