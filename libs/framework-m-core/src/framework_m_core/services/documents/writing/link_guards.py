"""`LinkGuards`: refuses writes because of links, those of the document and those to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.documents.doctype import DocStatus
from framework_m_core.domain.errors import FieldError, LinkedDocumentError, LinkTargetError, ValidationError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import LinkedBy, UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.registry import Referrer
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.validation import dump_document
from framework_m_core.services.documents.writing.write import PURGE, SUBMIT, DocumentWrite
from framework_m_core.services.links.referrer_names import ReferrerNames
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.rows.projection import LIVE
from framework_m_core.services.rows.template_cache import derive_template_caches

__all__ = ["LinkGuards"]


class LinkGuards:
    """What links refuse. `Field(on_cancel=…)` is applied as the system: it holds whoever writes."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService, links: LinkService) -> None:
        self._links = links
        self._referrers = ReferrerNames(reader, permissions)
        self._prepare = derive_template_caches(reader.prepare)

    async def refuse_delete(self, write: DocumentWrite) -> None:
        """Raise LinkedDocumentError if others link to this document: drafts and submitted ones, for a purge all."""
        linked_by: LinkedBy = "all" if write.operation is PURGE else "active"
        if linking := await write.unit.find_referrers(write.plan.name, write.stored["id"], linked_by):
            advice = "purge them first" if write.operation is PURGE else "change or delete them first"
            raise await self._make_error(write, f"documents link to this {write.plan.name}: {advice}", linking)

    async def refuse_cancel(self, write: DocumentWrite) -> None:
        """Raise LinkedDocumentError if submitted documents link to this one by links that refuse its cancellation."""
        plan, id = write.plan, write.stored["id"]
        await self._fetch(write.unit, QueryTemplate(plan, ("id",), Comparison("id", "eq", id), lock="change"))
        if linking := await write.unit.find_referrers(plan.name, id, "submitted"):
            message = f"submitted documents link to this {plan.name}: cancel them first"
            raise await self._make_error(write, message, linking)

    async def _make_error(
        self, write: DocumentWrite, message: str, referrers: Sequence[tuple[str, UUID]]
    ) -> LinkedDocumentError:
        return await self._referrers.make_error(write.context.within(write.unit), write.plan, message, referrers)

    async def refuse_cancelled_targets(self, write: DocumentWrite) -> None:
        """Raise ValidationError for links to cancelled documents: those that the write sets, or on submit all.

        The targets of a submitted document are locked, so that they are not cancelled meanwhile.
        """
        before = {} if write.operation is SUBMIT or write.loaded is None else write.stored
        values = dump_document(write.plan, write.document)
        lock: Lock | None = "change" if values["docstatus"] == DocStatus.SUBMITTED else None
        registry: RegistryView = write.context.registry
        errors: list[FieldError] = []
        for target, referrers in registry.guarded_links.get(write.plan.name, {}).items():
            links = dict(_new_links(referrers, values, before))
            if links:
                cancelled = await self._cancelled(write.unit, registry.get(target), list(links.values()), lock)
                errors += [
                    FieldError(path, "cancelled_target", params={"doctype": target})
                    for path, id in links.items()
                    if hash_key(id) in cancelled
                ]
        if errors:
            raise ValidationError(
                "a link points to a cancelled document", await self._links.redact_names(write.context, errors)
            )

    async def refuse_deleted_targets(self, write: DocumentWrite) -> None:
        """Raise LinkTargetError for links of a document to restore whose targets are deleted, and lock the others."""
        values = dump_document(write.plan, write.document)
        links: dict[str, dict[str, UUID]] = {}
        for path, target, id in _links_of(write.plan, values):
            if id != values["id"]:
                links.setdefault(target, {})[path] = id
        errors: list[FieldError] = []
        for target, ids in links.items():
            live = await self._live(write.unit, write.context.registry.get(target), list(ids.values()))
            errors += [
                FieldError(path, "invalid_link", params={"doctype": target})
                for path, id in ids.items()
                if hash_key(id) not in live
            ]
        if errors:
            raise LinkTargetError(
                "a link points to a deleted document: restore that one first",
                await self._links.redact_names(write.context, errors),
            )

    async def _cancelled(
        self, unit: UnitOfWorkProtocol, plan: CompiledDocType, ids: Sequence[UUID], lock: Lock | None
    ) -> set[HashKey]:
        where = Comparison("id", "in", tuple(ids))
        rows = await self._fetch(unit, QueryTemplate(plan, ("id", "docstatus"), where, lock=lock))
        return {hash_key(id) for id, status in rows if status == DocStatus.CANCELLED}

    async def _live(self, unit: UnitOfWorkProtocol, plan: CompiledDocType, ids: Sequence[UUID]) -> set[HashKey]:
        where = And((Comparison("id", "in", tuple(ids)), LIVE))
        return {hash_key(id) for (id,) in await self._fetch(unit, QueryTemplate(plan, ("id",), where, lock="share"))}

    async def _fetch(
        self, unit: UnitOfWorkProtocol, template: QueryTemplate[CompiledDocType]
    ) -> Sequence[tuple[Any, ...]]:
        where, values = parameterize(template.where)
        prepared = QueryTemplate(template.doctype, template.fields, where, lock=template.lock)
        return await unit.fetch(self._prepare.of(unit.context.registry)(prepared), values)


def _links_of(plan: CompiledDocType, values: Mapping[str, Any]) -> Iterator[tuple[str, str, UUID]]:
    """Yield the path, the DocType and the id of each document that a document or one of its rows links to."""
    yield from ((field, target, values[field]) for field, target in plan.links.items() if values[field] is not None)
    for name, child in plan.children.items():
        for place, row in enumerate(values[name]):
            for field, target in child.links.items():
                if row[field] is not None:
                    yield f"{name}.{place}.{field}", target, row[field]


def _new_links(
    referrers: Sequence[Referrer], values: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, UUID]]:
    """Yield the paths and targets of links that differ from what was."""
    for link in referrers:
        for at, now, was in _holders(link.child, values, before):
            target = now[link.field]
            if target is not None and target != was.get(link.field):
                yield at + link.field, target


def _holders(
    child: str | None, values: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield what holds a link, the document or each of its rows: path, values and previous values."""
    if child is None:
        yield "", values, before
        return
    known = {hash_key(row["id"]): row for row in before.get(child, ())}
    for place, row in enumerate(values[child]):
        yield f"{child}.{place}.", row, known.get(hash_key(row["id"]), {})
