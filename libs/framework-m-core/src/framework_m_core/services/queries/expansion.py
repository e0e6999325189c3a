"""`ExpansionService`: replaces the ids of links by their target documents, with one more read per link."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.projection import LIVE
from framework_m_core.services.queries.shape_cache import shape_caches

__all__ = ["ExpansionService"]

_MAX_EXPANDED = 5
_MOST_CHARACTERS = 10_000_000


class ExpansionService:
    """Expansion of link ids to the readable scalar fields of their targets; an unreadable target stays an id."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._reader = reader
        self._permissions = permissions
        self._prepare = shape_caches(reader.prepare)

    async def expand(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        documents: Sequence[dict[str, Any]],
        names: Sequence[str],
    ) -> None:
        """Expand links in place. Raises QueryError for too many names, unreadable links or too large targets."""
        known = sorted(name for name in plan.links if name in grant.readable)
        if len(names) > _MAX_EXPANDED:
            raise QueryError(f"expand: expected at most {_MAX_EXPANDED} links, got {len(names)}")
        for name in dict.fromkeys(names):
            if name not in known:
                links = f"expected one of {', '.join(known)}" if known else "there are none"
                raise QueryError(f"expand: {name[:80]!r} is not a link that you can read: {links}")
            linking = [document for document in documents if document.get(name) is not None]
            ids = {hash_key(document[name]): document[name] for document in linking}
            targets = await self._targets(context, plan.links[name], tuple(sorted(ids.values()))) if ids else {}
            found = [
                (document, target)
                for document in linking
                if (target := targets.get(hash_key(document[name]))) is not None
            ]
            _check_size(name, [target for _, target in found])
            for document, target in found:
                document[name] = target

    async def _targets(
        self, context: RequestContext, doctype: str, ids: tuple[UUID, ...]
    ) -> dict[HashKey, dict[str, Any]]:
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self._permissions.find(context, plan, "read")
        if grant is None:
            return {}
        served = tuple(name for name in plan.columns if name in grant.readable and name != "deleted_at")
        columns = plan.columns if grant.evaluate else served
        given = self._permissions.bound_scope(grant, context.principal)
        where, parameters = parameterize(And((Comparison("id", "in", ids), LIVE, given)))
        handle = self._prepare.of(context.registry)(QueryTemplate(plan, columns, where))
        unit: UnitOfWorkProtocol | None = context.unit
        rows = await (unit.fetch(handle, parameters) if unit else self._reader.fetch(context, handle, parameters))
        targets = [dict(zip(columns, row, strict=True)) for row in rows]
        if grant.evaluate:
            targets = [*compress(targets, await self._permissions.covers_each(context, plan, "read", grant, targets))]
        return {hash_key(target["id"]): {name: target[name] for name in served} for target in targets}


def _check_size(name: str, expanded: Sequence[dict[str, Any]]) -> None:
    """Raise QueryError for too large targets, counting each once per document that links to it."""
    sizes = {id(target): sum(len(value) for value in target.values() if isinstance(value, str)) for target in expanded}
    if sum(sizes[id(target)] for target in expanded) > _MOST_CHARACTERS:
        raise QueryError(f"expand: the targets of {name!r} are too large together: request fewer documents")
