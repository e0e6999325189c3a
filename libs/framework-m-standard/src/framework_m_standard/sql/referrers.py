"""The documents that link to a document: one query per link field that points to its DocType."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from framework_m_core.spi import FRAMEWORK_SPECS, MAX_REFERRERS, Derived, DocStatus, LinkedBy, Referrer, RegistryView
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.row_codec import make_decoder
from framework_m_standard.sql.engine.statement import Statement, make_parameter
from framework_m_standard.sql.store import SqlStore

__all__ = ["ReferrerQueries"]

type _Queries = tuple[tuple[str, Statement], ...]
"""Names of referring DocTypes, each with a query for its documents that link to the given one."""


class ReferrerQueries:
    """The queries for links to a document, compiled per DocType on first use."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._decode = make_decoder(store.global_driver.name, FRAMEWORK_SPECS["id"]) or _as_is
        self._statements: Derived[RegistryView, dict[tuple[str, LinkedBy], _Queries]] = Derived(lambda _: {})

    async def find_referrers(
        self, registry: RegistryView, transaction: Transaction, doctype: str, id: UUID, linked_by: LinkedBy
    ) -> Sequence[tuple[str, UUID]]:
        """Return the other documents that link to this one."""
        statements = self._statements.of(registry)
        key: tuple[str, LinkedBy] = (doctype, linked_by)
        if key not in statements:
            referrers = registry.referrers.get(doctype, ())
            statements[key] = tuple(
                (one.doctype, self._compile(registry, one, linked_by))
                for one in referrers
                if linked_by != "submitted" or one.refuses_cancelled
            )
        found: dict[tuple[str, str], tuple[str, UUID]] = {}
        for name, statement in statements[key]:
            ids = [self._decode(one) for (one,) in await transaction.fetch(statement, (id,))]
            found |= {(name, str(one)): (name, one) for one in ids}
        return [*found.values()]

    def _compile(self, registry: RegistryView, referrer: Referrer, linked_by: LinkedBy) -> Statement:
        plan = registry.get(referrer.doctype)
        statements = self._store.statements_of(plan)
        parent = statements.table
        if referrer.child is None:
            holder, joined = parent, parent
        else:
            holder = statements.tables.child_table_of(plan, plan.children[referrer.child])
            joined = holder.join(parent, holder.c.parent == parent.c.id)  # type: ignore[assignment]
        id = make_parameter(0, parent.c.id.type)
        others = sa.and_(holder.c[referrer.field] == id, parent.c.id != id)
        if linked_by != "all":
            others &= parent.c.deleted_at.is_(None)
        if linked_by == "submitted":
            others &= parent.c.docstatus == sa.literal_column(str(DocStatus.SUBMITTED.value))
        elif linked_by == "active":
            others &= parent.c.docstatus != sa.literal_column(str(DocStatus.CANCELLED.value))
        clause: Any = sa.select(parent.c.id).distinct().select_from(joined).where(others)
        return statements.compile(clause.limit(sa.literal_column(str(MAX_REFERRERS))), [FRAMEWORK_SPECS["id"]])


def _as_is(value: Any) -> Any:
    return value
