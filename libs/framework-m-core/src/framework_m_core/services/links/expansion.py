"""`ExpansionService`: replaces the ids of links by their target documents, with one more read per link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import AnswerTooLargeError, FieldError, QueryError
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.targets import LinkTargets
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.rows.sizes import PAGE_BYTES, measure_row, refuse_too_large

__all__ = ["MAX_EXPANDED", "ExpansionService"]

MAX_EXPANDED = 5
_MAX_BYTES = PAGE_BYTES


class ExpansionService:
    """Expansion of link ids to the readable scalar fields of their targets; an unreadable target stays an id."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._permissions = permissions
        self._targets = LinkTargets(reader, permissions)

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
        if len(names) > MAX_EXPANDED:
            raise _refuse("out_of_bounds", max_fields=MAX_EXPANDED, count=len(names))
        size = 0
        for name in dict.fromkeys(names):
            if name not in known:
                raise _refuse("unknown_field", link=name[:80], **({"choices": known} if known else {}))
            linking = [document for document in documents if document.get(name) is not None]
            ids = {hash_key(document[name]): document[name] for document in linking}
            targets = await self._read(context, plan.links[name], tuple(sorted(ids.values()))) if ids else {}
            found = [
                (document, target)
                for document in linking
                if (target := targets.get(hash_key(document[name]))) is not None
            ]
            size += _size_of(context.registry.get(plan.links[name]), [target for _, target in found])
            _check_size(size)
            for document, target in found:
                document[name] = target

    async def _read(
        self, context: RequestContext, doctype: str, ids: tuple[UUID, ...]
    ) -> dict[HashKey, dict[str, Any]]:
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self._permissions.find(context, plan, "read")
        if grant is None:
            return {}
        served = tuple(name for name in plan.columns if name in grant.readable and name != "deleted_at")
        columns = plan.columns if grant.evaluate else served
        wanted = Comparison("id", "in", ids)
        if await self._targets.measure(context, plan, grant, wanted, columns) <= _MAX_BYTES:
            targets = await self._targets.find(context, plan, "read", grant, wanted, served)
            return {hash_key(target["id"]): target for target in targets}
        if not grant.evaluate:
            raise _too_large()
        # One at a time: together they are too large to hold, but how large the hidden parts are decides about nothing.
        found, size = dict[HashKey, dict[str, Any]](), 0
        for one in ids:
            wanted = Comparison("id", "in", (one,))
            for target in await self._targets.find(context, plan, "read", grant, wanted, served):
                found[hash_key(one)] = target
                size += _size_of(plan, [target])
                _check_size(size)
        return found


def _size_of(plan: CompiledDocType, expanded: Sequence[dict[str, Any]]) -> int:
    """Return about how many bytes targets have, counting each once per document that links to it."""
    sizes = {id(target): measure_row(plan, target, target.values()) for target in expanded}
    return sum(sizes[id(target)] for target in expanded)


def _check_size(size: int) -> None:
    if size > _MAX_BYTES:
        raise _too_large()


def _refuse(code: str, **params: Any) -> QueryError:
    error = FieldError("expand", code, params=params)
    return QueryError(f"expand: {error.message}", [error])


def _too_large() -> AnswerTooLargeError:
    message = "the targets are too large together: request fewer documents or links"
    return refuse_too_large("expand", message, max_bytes=PAGE_BYTES)
