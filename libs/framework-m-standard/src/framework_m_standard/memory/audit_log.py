"""`MemoryAuditLog`: port `AuditLogProtocol`, over the append-only `AuditTrail`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from framework_m_core.spi import AuditEntry, RequestContext
from framework_m_standard.memory.engine.store import MemoryStore

__all__ = ["MemoryAuditLog"]


class MemoryAuditLog:
    """Reads of the audit log."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._trail = memory_store.database.audit

    async def list_entries(
        self, context: RequestContext, doctype: str, document_id: UUID, *, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Return the newest `limit` entries of one document, oldest first."""
        found = sorted(self._trail.of(doctype, document_id), key=lambda one: (one.entry.at, one.entry.id))
        return [one.unseal() for one in found[max(0, len(found) - limit) :]]
