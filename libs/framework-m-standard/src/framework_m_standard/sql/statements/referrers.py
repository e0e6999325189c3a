"""The DocTypes that link to a document: one query per link field that points to its DocType."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from framework_m_core.registry.compiled import FRAMEWORK_SPECS
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Referrer, Registry
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.statements.compiled import Statement, parameter
from framework_m_standard.sql.store import SqlStore

__all__ = ["ReferrerQueries"]

type _Queries = tuple[tuple[str, Statement], ...]
"""Names of referring DocTypes, each with a query whether any of its documents links to the given one."""


class ReferrerQueries:
    """The queries for links to a document, compiled per DocType on first use."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._statements: Derived[Registry, dict[tuple[str, bool], _Queries]] = Derived(lambda _: {})

    async def linking(
        self, registry: Registry, transaction: Transaction, doctype: str, id: UUID, *, include_deleted: bool
    ) -> Sequence[str]:
        """Return the names of the DocTypes with other documents that link to this one: live ones, or any."""
        statements, key = self._statements.of(registry), (doctype, include_deleted)
        if key not in statements:
            referrers = registry.referrers.get(doctype, ())
            statements[key] = tuple((one.doctype, self._compile(registry, one, include_deleted)) for one in referrers)
        found = []
        for name, statement in statements[key]:
            if name not in found and await transaction.fetch(statement, (id,)):
                found.append(name)
        return found

    def _compile(self, registry: Registry, referrer: Referrer, include_deleted: bool) -> Statement:
        plan = registry.get(referrer.doctype)
        statements = self._store.statements(plan)
        parent = statements.table
        if referrer.child is None:
            holder, joined = parent, parent
        else:
            holder = statements.tables.child(plan, plan.children[referrer.child])
            joined = holder.join(parent, holder.c.parent == parent.c.id)  # type: ignore[assignment]
        id = parameter(0, parent.c.id.type)
        live = sa.true() if include_deleted else parent.c.deleted_at.is_(None)
        others = sa.and_(holder.c[referrer.field] == id, parent.c.id != id, live)
        clause: Any = sa.select(sa.literal_column("1")).select_from(joined).where(others)
        return statements.compile(clause.limit(sa.literal_column("1")), [FRAMEWORK_SPECS["id"]])
