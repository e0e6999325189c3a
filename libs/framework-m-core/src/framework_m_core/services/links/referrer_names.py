"""`ReferrerNames`: which of the documents that link to another one the caller may be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import LinkedDocumentError
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.targets import LinkTargets
from framework_m_core.services.permissions.service import PermissionService

__all__ = ["ReferrerNames"]

_MAX_NAMED: Final = 20
_MAX_READ: Final = 200
"""How many documents of a DocType are looked at to name some."""

type _Referrers = Sequence[tuple[str, UUID]]


class ReferrerNames:
    """Names linking documents in refusals, and counts those that the caller may not read."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._permissions = permissions
        self._targets = LinkTargets(reader, permissions)

    async def make_error(
        self, context: RequestContext, plan: CompiledDocType, message: str, referrers: _Referrers
    ) -> LinkedDocumentError:
        """Return the error of a write that linking documents refuse, read in the unit of work of the context."""
        named: list[dict[str, object]] = []
        for doctype in sorted({name for name, _ in referrers}):
            if len(named) < _MAX_NAMED:
                ids = [id for name, id in referrers if name == doctype][:_MAX_READ]
                named += await self._name(context, plan, context.registry.get(doctype), ids)
        named = named[:_MAX_NAMED]
        known = ", ".join(sorted({str(one["doctype"]) for one in named}))
        see = f", see {known}" if known else ""
        return LinkedDocumentError(message + see, linked_by=named, others=len(referrers) - len(named))

    async def _name(
        self, context: RequestContext, target: CompiledDocType, plan: CompiledDocType, ids: Sequence[UUID]
    ) -> list[dict[str, object]]:
        """Return the documents among these that the caller may read, with the fields that link."""
        grant = await self._permissions.find(context, plan, "read")
        if grant is None or not _reads_links(grant, target, plan):
            return []
        found = await self._targets.find(context, plan, "read", grant, Comparison("id", "in", tuple(ids)), ["name"])
        return [{"doctype": plan.name, "id": row["id"], "name": row["name"]} for row in found]


def _reads_links(grant: Grant, target: CompiledDocType, plan: CompiledDocType) -> bool:
    """Return whether a caller may read all fields by which a DocType links to another one."""
    own = [name for name, link in plan.links.items() if link == target.name]
    rows = [
        f"{child.field}.{name}"
        for child in plan.children.values()
        for name, link in child.links.items()
        if link == target.name
    ]
    return grant.readable.issuperset((*own, *rows))
