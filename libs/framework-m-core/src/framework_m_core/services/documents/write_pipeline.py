"""`WritePipeline`: the steps of a write in an open unit of work: load, merge, hooks, checks, flush, record."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD, DocStatus, construct
from framework_m_core.domain.errors import (
    LinkedDocumentError,
    PreconditionFailedError,
    SubmittedDocumentError,
    VersionConflictError,
)
from framework_m_core.domain.events import DocCreated, DocDeleted, DomainEvent
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Filter
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.changes import difference, record_change
from framework_m_core.services.documents.codec import attributes_from_values, document_from_values
from framework_m_core.services.documents.hooks import Door, HookRun, kept_attributes
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.merging import unseen_fields
from framework_m_core.services.documents.validation import document_values, validate
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.point_reads import PointReads
from framework_m_core.services.queries.projection import (
    LIVE,
    Served,
    by_reference,
    full_selection,
    names_of,
    not_found,
    projection,
    receipt,
    row_to_document,
    serve,
    visible,
)
from framework_m_core.services.queries.shape_cache import shape_caches
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.injection import NO_INJECTION, Injector

__all__ = ["NO_VERSION", "Change", "Expected", "Loaded", "WritePipeline", "check_unseen", "check_version"]


NO_VERSION = 0
"""A version that no stored document has; versions start at 1."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The version that a caller expects; `precondition` is set if it comes from a header, not from `_version`."""

    version: int | None = None
    precondition: bool = False


@dataclass(frozen=True, eq=False)
class Loaded:
    """A loaded document as stored values, with its model and served form made on request."""

    plan: CompiledDocType
    values: Mapping[str, Any]
    reading: Grant

    @property
    def document(self) -> BaseModel:
        """The document as a new model instance."""
        return document_from_values(self.plan, self.values)

    @cached_property
    def served(self) -> Mapping[str, Any]:
        """The document as the caller is served it."""
        return visible(self.plan, self.reading.readable, self.values)


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of change to an existing document."""

    action: str
    event: type[DomainEvent]
    after: tuple[str, ...]
    docstatus: DocStatus | None = None


class WritePipeline:
    """Writes in a unit of work that the caller opens and commits."""

    def __init__(
        self,
        reader: DocumentReaderProtocol,
        permissions: PermissionService,
        links: LinkService,
        watchers: CommitListeners,
        ids: IdGenerator,
        injector: Injector = NO_INJECTION,
    ) -> None:
        self._permissions = permissions
        self._injector = injector
        self._watchers = watchers
        self._links = links
        self._ids = ids
        self._points = PointReads(reader, whole=True)
        self._prepare = shape_caches(reader.prepare)

    def identify_rows(self, plan: CompiledDocType, values: Mapping[str, Any]) -> None:
        """Assign ids to new child rows."""
        for name in plan.children.keys() & values.keys():
            for row in values[name]:
                if "id" not in row:
                    row["id"] = self._ids()

    async def insert(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        document: BaseModel,
        door: Door,
    ) -> Served:
        """Store a new document and return what the caller may read of it."""
        await self._links.resolve(unit, context, plan, vars(document), {})
        run = HookRun(plan, document, None, unit, context, door, self._injector)
        document = await self._hooked(unit, context, plan, run, document, "validate", "before_insert", "before_save")
        values = document_values(plan, document)
        await self._permissions.demand(context, plan, "create", grant, values)
        await unit.repository(plan.name).insert(document)
        values[VERSION_FIELD] = 1
        record_change(unit, context, plan, "create", DocCreated, values, difference(plan, None, values), self._ids)
        self._watchers.written(unit, plan.name, values["id"])
        values = await self._after(unit, plan, run, values, "after_save", "after_insert")
        return await self.served(context, plan, values)

    async def load(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        ref: UUID | str,
        *,
        lock: Lock | None = None,
    ) -> tuple[Loaded, Grant]:
        """Load a document with the grant of the action; `lock` keeps it unchanged until the unit ends.

        Raises EntityNotFoundError unless the caller may read it, and OutsideScopeError unless they may act on it.
        """
        grant = await self._permissions.require(context, plan, action)
        reading = await self._permissions.require(context, plan, "read")
        values = await self._stored(unit, context, plan, action, reading, ref, lock)
        if values is None:
            raise not_found(plan, ref)
        if reading.evaluate and not await self._permissions.covers(context, plan, "read", reading, values):
            raise not_found(plan, ref)
        await self._permissions.demand(context, plan, action, grant, values)
        return Loaded(plan, values, reading), grant

    async def _stored(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        reading: Grant,
        ref: UUID | str,
        lock: Lock | None,
    ) -> dict[str, Any] | None:
        prepared = None if lock or not context.principal.id else self._points.find(plan, reading, ref)
        if prepared is not None:
            rows = await unit.fetch(prepared.handle, prepared.values(ref, context.principal))
            return prepared.document(rows[0]) if rows else None
        where, slots = parameterize(self._reachable(context, action, reading, ref))
        shape = QueryTemplate(plan, full_selection(plan), where, lock=lock)
        rows = await unit.fetch(self._prepare.of(context.registry)(shape), slots)
        return row_to_document(full_selection(plan), rows[0]) if rows else None

    def _reachable(self, context: RequestContext, action: str, reading: Grant, ref: UUID | str) -> Filter:
        scoped = (by_reference(ref), self._permissions.bound_scope(reading, context.principal))
        return And(scoped if action == "purge" and isinstance(ref, UUID) else (*scoped, LIVE))

    async def change(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        loaded: Loaded,
        changes: Mapping[str, Any],
        change: Change,
        door: Door,
    ) -> Served:
        """Store changed values of a loaded document and return what the caller may read of it."""
        before = loaded.values
        self.identify_rows(plan, changes)
        draft = validate(plan, self._draft(context, plan, before, changes, change))
        readable = loaded.reading.readable
        _check_state(plan, before, draft, change, readable)
        await self._links.resolve(unit, context, plan, vars(draft), before)
        run = HookRun(plan, draft, loaded.document if plan.hooks else None, unit, context, door, self._injector)
        document = await self._hooked(unit, context, plan, run, draft, *_before(change))
        values = document_values(plan, document)
        if document is not draft and change.docstatus is None:
            _check_state(plan, before, document, change, readable)
        await self._permissions.demand(context, plan, change.action, grant, values)
        await unit.repository(plan.name).update(document, expected_version=before[VERSION_FIELD])
        values[VERSION_FIELD] += 1
        changed = difference(plan, before, values)
        record_change(unit, context, plan, change.action, change.event, values, changed, self._ids)
        self._watchers.written(unit, plan.name, values["id"])
        values = await self._after(unit, plan, run, values, *change.after)
        return await self.served(context, plan, values)

    async def remove(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        loaded: Loaded,
        door: Door,
        *,
        hard: bool,
    ) -> None:
        """Delete a loaded document, softly or permanently.

        Raises SubmittedDocumentError and LinkedDocumentError.
        """
        if loaded.values["docstatus"] == DocStatus.SUBMITTED:
            raise SubmittedDocumentError("a submitted document cannot be deleted: cancel it first")
        document = loaded.document
        run = HookRun(plan, document, document.model_copy(deep=True), unit, context, door, self._injector)
        await run.run("before_delete")
        await self._refuse_if_linked(unit, context, plan, loaded.values["id"], hard=hard)
        repository, now = unit.repository(plan.name), context.clock()
        values = {**loaded.values, "modified": now, "deleted_at": now, VERSION_FIELD: loaded.values[VERSION_FIELD] + 1}
        if hard:
            await repository.delete(values["id"])
        else:
            gone = {"modified": now, "modified_by": context.principal.id, "deleted_at": now}
            kept = construct(plan.model, {**vars(document_from_values(plan, loaded.values)), **gone})
            await repository.update(kept, expected_version=loaded.values[VERSION_FIELD])
        action = "purge" if hard else "delete"
        record_change(unit, context, plan, action, DocDeleted, values, {}, self._ids, hard=hard)
        self._watchers.written(unit, plan.name, values["id"])
        await self._after(unit, plan, run, values, "after_delete")

    async def served(self, context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any]) -> Served:
        """Return what the caller may read of stored values just written: at least id, name and version."""
        reading = await self._permissions.find(context, plan, "read")
        if reading is None or not await self._permissions.covers(context, plan, "read", reading, values):
            told = receipt(plan)
            return serve({name: values[name] for name in names_of(told.chosen)}, told.written)
        written = None if reading.evaluate else projection(plan, reading.readable).written
        return serve(visible(plan, reading.readable, values), written)

    def _draft(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        before: Mapping[str, Any],
        changes: Mapping[str, Any],
        change: Change,
    ) -> dict[str, Any]:
        draft = {
            **attributes_from_values(plan, before),
            **changes,
            "modified": context.clock(),
            "modified_by": context.principal.id,
        }
        if change.docstatus is not None:
            draft["docstatus"] = change.docstatus
        return draft

    async def _hooked(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        run: HookRun,
        document: BaseModel,
        *hooks: str,
    ) -> BaseModel:
        if not run.defines(*hooks):
            return document
        before, kept = copy.deepcopy(document_values(plan, document)), kept_attributes(document)
        await run.run(*hooks)
        document = run.settle(document, kept, self._ids)
        await self._links.resolve(unit, context, plan, vars(document), before)
        return document

    async def _after(
        self, unit: UnitOfWorkProtocol, plan: CompiledDocType, run: HookRun, values: dict[str, Any], *hooks: str
    ) -> dict[str, Any]:
        """Run the hooks that follow storing, and return the stored values, copied so that hooks cannot change them."""
        if not run.defines(*hooks):
            return values
        await unit.flush()
        stored = copy.deepcopy(values)
        await run.run(*hooks)
        return await self._read_again(unit, plan, values["id"]) or stored if run.wrote else stored

    async def _read_again(self, unit: UnitOfWorkProtocol, plan: CompiledDocType, id: UUID) -> dict[str, Any] | None:
        """Return the stored values of a document that its hooks may have written again."""
        where, slots = parameterize(by_reference(id))
        prepare = self._prepare.of(unit.context.registry)
        rows = await unit.fetch(prepare(QueryTemplate(plan, full_selection(plan), where)), slots)
        return row_to_document(full_selection(plan), rows[0]) if rows else None

    async def _refuse_if_linked(
        self, unit: UnitOfWorkProtocol, context: RequestContext, plan: CompiledDocType, id: UUID, *, hard: bool
    ) -> None:
        """Raise LinkedDocumentError if live documents, or with `hard` also deleted ones, link to this one."""
        if linking := await unit.linking(plan.name, id, include_deleted=hard):
            known = ", ".join(await self._links.readable(context, linking))
            see = f", see {known}" if known else ""
            raise LinkedDocumentError(f"documents link to this {plan.name}: change or delete them first{see}")


def check_version(loaded: Loaded, expected: Expected) -> None:
    """Raise VersionConflictError, or PreconditionFailedError for a precondition, if the stored version differs."""
    stored = loaded.values[VERSION_FIELD]
    if expected.version is None or expected.version == stored:
        return
    message = f"the document is at version {stored}, not {expected.version}: read it again and repeat the change"
    if expected.version == NO_VERSION:
        message = "If-Match holds no ETag of this document, or If-None-Match does: send the ETag that it has now"
    raise (PreconditionFailedError if expected.precondition else VersionConflictError)(message, version=stored)


def check_unseen(loaded: Loaded, body: Mapping[str, Any]) -> None:
    """Raise SubmittedDocumentError if the caller sets a fixed field without being able to read it.

    The values are not compared, since the result would reveal what is stored.
    """
    if loaded.values["docstatus"] == DocStatus.DRAFT:
        return
    if unseen := unseen_fields(loaded.plan, loaded.reading.readable, body):
        word = DocStatus(loaded.values["docstatus"]).name.lower()
        raise SubmittedDocumentError(f"the document is {word}: its fields cannot be changed", fields=unseen)


def _check_state(
    plan: CompiledDocType, before: Mapping[str, Any], draft: BaseModel, change: Change, readable: frozenset[str]
) -> None:
    status = before["docstatus"]
    wanted = {DocStatus.SUBMITTED: DocStatus.DRAFT, DocStatus.CANCELLED: DocStatus.SUBMITTED}
    if change.docstatus is not None:
        if status != wanted[change.docstatus]:
            word = DocStatus(status).name.lower()
            raise SubmittedDocumentError(f"a {word} document cannot be {change.docstatus.name.lower()}")
        return
    if status == DocStatus.DRAFT:
        return
    after = document_values(plan, draft)
    fixed = [name for name in difference(plan, before, after) if not plan.fields[name].allow_on_submit]
    if fixed or status == DocStatus.CANCELLED:
        word = DocStatus(status).name.lower()
        shown = ", ".join(name for name in fixed if name in readable) or "its fields"
        raise SubmittedDocumentError(f"the document is {word}: {shown} cannot be changed", fields=fixed)


def _before(change: Change) -> tuple[str, ...]:
    return () if change.docstatus is DocStatus.CANCELLED else ("validate", "before_save")
