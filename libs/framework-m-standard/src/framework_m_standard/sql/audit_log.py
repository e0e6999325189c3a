"""`SqlAuditLog`: port `AuditLogProtocol`, over the table `activitylog`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from framework_m_core.spi import AuditEntry, FieldKind, FieldSpec, RequestContext
from framework_m_standard.sql.engine.statement import make_parameter
from framework_m_standard.sql.schema.tables import AUDIT_SPECS
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlAuditLog"]


class SqlAuditLog:
    """Reader of the audit log; database triggers refuse changes to it."""

    def __init__(self, sql_store: SqlStore) -> None:
        table = sql_store.framework_tables.audit
        self._store = sql_store
        self._decoders = sql_store.framework.make_decoders(AUDIT_SPECS)
        doctype, document = AUDIT_SPECS["doctype"], AUDIT_SPECS["document_id"]
        clause = (
            sa.select(*(table.c[name] for name in AUDIT_SPECS))
            .where(
                table.c.document_id == make_parameter(0, table.c.document_id.type),
                table.c.doctype == make_parameter(1, table.c.doctype.type),
            )
            .order_by(table.c.at.desc(), table.c.id.desc())
            .limit(make_parameter(2, sa.BigInteger()))
        )
        self._select = sql_store.framework.compile(clause, [document, doctype, FieldSpec("n", FieldKind.INTEGER)])

    async def list_entries(
        self, context: RequestContext, doctype: str, document_id: UUID, *, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Return the newest entries of a document, oldest first."""
        rows = await self._store.driver_for(context).fetch(self._select, (document_id, doctype, limit))
        return [self._entry(row) for row in reversed(rows)]

    def _entry(self, row: Sequence[object]) -> AuditEntry:
        values = dict(zip(AUDIT_SPECS, row, strict=True))
        for name, convert in self._decoders.items():
            if values[name] is not None:
                values[name] = convert(values[name])
        return AuditEntry(**values)  # type: ignore[arg-type]
