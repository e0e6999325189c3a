"""Who links to a document: one EXISTS per link field that points to its DocType."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from framework_m_core.registry.compiled import FRAMEWORK_SPECS
from framework_m_core.registry.registry import Referrer
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.statements.compiled import Statement, parameter
from framework_m_standard.sql.store import SqlStore

__all__ = ["ReferrerQueries"]


class ReferrerQueries:
    """Compiled per DocType when first needed."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._statements: dict[str, tuple[tuple[str, Statement], ...]] = {}

    async def linking(self, transaction: Transaction, doctype: str, id: UUID) -> Sequence[str]:
        """Names of the DocTypes that have other live documents linking to this one."""
        if doctype not in self._statements:
            referrers = self._store.registry.referrers.get(doctype, ())
            self._statements[doctype] = tuple((one.doctype, self._compile(one)) for one in referrers)
        found = []
        for name, statement in self._statements[doctype]:
            if name not in found and await transaction.fetch(statement, (id,)):
                found.append(name)
        return found

    def _compile(self, referrer: Referrer) -> Statement:
        plan = self._store.registry.get(referrer.doctype)
        statements = self._store.statements(plan)
        parent = statements.table
        if referrer.child is None:
            holder, joined = parent, parent
        else:
            holder = self._store.tables.child(plan, plan.children[referrer.child])
            joined = holder.join(parent, holder.c.parent == parent.c.id)  # type: ignore[assignment]
        id = parameter(0, parent.c.id.type)
        others = sa.and_(holder.c[referrer.field] == id, parent.c.id != id, parent.c.deleted_at.is_(None))
        clause: Any = sa.select(sa.literal_column("1")).select_from(joined).where(others)
        return statements.compile(clause.limit(sa.literal_column("1")), [FRAMEWORK_SPECS["id"]])
