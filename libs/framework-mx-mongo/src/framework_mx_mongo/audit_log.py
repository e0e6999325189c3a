"""`MongoAuditLog`: port `AuditLogProtocol`, over the collection `m_audit`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from framework_m_core.spi import AuditEntry, RequestContext
from framework_mx_mongo.documents.records import read_audit
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoAuditLog"]


class MongoAuditLog:
    """Reads of the audit log."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._store = mongo_store

    async def list_entries(
        self, context: RequestContext, doctype: str, document_id: UUID, *, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Return the newest `limit` entries of one document, oldest first."""
        if limit <= 0:
            return []
        log = self._store.driver_for(context).get_collection("m_audit")
        of_document = {"doctype": {"$eq": doctype}, "document_id": {"$eq": document_id}}
        with translate_errors():
            found = await log.find(of_document).sort({"at": -1, "_id": -1}).limit(limit).to_list()
        return [read_audit(one) for one in reversed(found)]
