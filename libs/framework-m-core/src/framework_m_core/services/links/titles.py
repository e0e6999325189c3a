"""`TitleService`: adds the titles of link targets to documents, with one read per DocType and action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.fields.sizes import bytes_of
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.targets import LinkTargets
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.rows.sizes import PAGE_BYTES, refuse_too_large

__all__ = ["MAX_TITLED", "TITLES", "TitleService"]

TITLES: Final = "_titles"
"""The key of the titles in a document or row: those of its links, by field."""

MAX_TITLED: Final = 10_000
"""Targets of one DocType whose titles one answer has."""

_READ_AT_ONCE: Final = 500


class _Link(NamedTuple):
    """A link that an answer shows: what holds it, its field, the target's DocType and id."""

    holder: dict[str, Any]
    field: str
    doctype: str
    id: UUID


type _Targets = dict[HashKey, UUID]
type _Titles = dict[HashKey, str]


class TitleService:
    """Titles of link targets: the value of `Meta.title_field` as far as the caller may read it, else the name."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._permissions = permissions
        self._targets = LinkTargets(reader, permissions)

    async def add(self, context: RequestContext, plan: CompiledDocType, documents: Sequence[dict[str, Any]]) -> None:
        """Add `_titles` to documents and their rows; targets that the caller may not read or select have none.

        Raises AnswerTooLargeError for too many targets or too long titles.
        """
        links = [link for document in documents for link in _prepare(plan, document)]
        wanted = dict[str, _Targets]()
        for link in links:
            wanted.setdefault(link.doctype, {})[hash_key(link.id)] = link.id
        titles = {doctype: await self._read(context, doctype, targets) for doctype, targets in wanted.items()}
        left = PAGE_BYTES
        for link in links:
            title = titles[link.doctype].get(hash_key(link.id))
            if title is not None:
                link.holder[TITLES][link.field] = title
                left -= bytes_of(title)
        if left < 0:
            message = "they are too large together: request fewer documents or links"
            raise refuse_too_large("titles", message, max_bytes=PAGE_BYTES)

    async def _read(self, context: RequestContext, doctype: str, targets: _Targets) -> _Titles:
        if len(targets) > MAX_TITLED:
            message = f"expected at most {MAX_TITLED} linked documents of a DocType: request fewer documents or links"
            raise refuse_too_large("titles", message, max_items=MAX_TITLED, count=len(targets))
        plan: CompiledDocType = context.registry.get(doctype)
        found: _Titles = {}
        for action in ("read", "select"):
            left = [id for key, id in targets.items() if key not in found]
            for start in range(0, len(left), _READ_AT_ONCE):
                found |= await self._read_some(context, plan, action, left[start : start + _READ_AT_ONCE])
        return found

    async def _read_some(
        self, context: RequestContext, plan: CompiledDocType, action: str, ids: Sequence[UUID]
    ) -> _Titles:
        grant = await self._permissions.find(context, plan, action)
        if grant is None:
            return {}
        own = plan.meta.title_field
        fields = ("name", own) if own and own in grant.readable else ("name",)
        wanted = Comparison("id", "in", tuple(ids))
        rows = await self._targets.find(context, plan, action, grant, wanted, fields)
        return {hash_key(row["id"]): row[fields[-1]] or row["name"] for row in rows}


def _prepare(plan: CompiledDocType, document: dict[str, Any]) -> Iterator[_Link]:
    """Put empty titles into a document and its rows, and yield their links."""
    yield from _links_of(plan.links, document)
    for name, child in plan.children.items():
        for row in document.get(name, ()):
            yield from _links_of(child.links, row)


def _links_of(links: Mapping[str, str], holder: dict[str, Any]) -> Iterator[_Link]:
    shown = [field for field in links if field in holder]
    if shown:
        holder[TITLES] = {}
    for field in shown:
        if holder[field] is not None:
            yield _Link(holder, field, links[field], holder[field])
