"""`WritePipeline`: the one sequence of named stages that every write of a document runs, in an open unit of work.

The service runs the first stages, `authorize`, `load` and `parse`: they come before there is a document to write.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.controllers.write_stage import Write
from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD, construct
from framework_m_core.domain.documents.naming import SeriesNaming
from framework_m_core.domain.errors import LinkedDocumentError, VersionConflictError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Filter
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry
from framework_m_core.registry.write_stages import DeclaredStage
from framework_m_core.services.documents.changes import difference, record_change
from framework_m_core.services.documents.codec import document_from_values
from framework_m_core.services.documents.drafts import check_state
from framework_m_core.services.documents.hooks import HookRun, kept_attributes, refuse_invalid, settle
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.validation import document_values, validate
from framework_m_core.services.documents.write import PURGE, DocumentWrite, Loaded, Operation
from framework_m_core.services.documents.write_sequence import StageRun, WriteSequence, compile_sequence
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

__all__ = ["WritePipeline"]


class WritePipeline:
    """Writes in a unit of work that the caller opens and commits."""

    def __init__(
        self,
        reader: DocumentReaderProtocol,
        permissions: PermissionService,
        links: LinkService,
        naming: NamingService,
        watchers: CommitListeners,
        ids: IdGenerator,
        injector: Injector = NO_INJECTION,
    ) -> None:
        self._permissions = permissions
        self._injector = injector
        self._watchers = watchers
        self._links = links
        self._naming = naming
        self._ids = ids
        self._points = PointReads(reader, whole=True)
        self._prepare = shape_caches(reader.prepare)
        self._sequences: Derived[Registry, dict[tuple[str, str], WriteSequence]] = Derived(lambda _: {})

    async def new_document(
        self, context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any], given_name: str | None
    ) -> BaseModel:
        """Return a new document, validated and named.

        A series takes its number before the unit of work, so that hooks never hold a counter, and after the links have
        been checked, so that a refused body takes none.
        """
        now, actor = context.clock(), context.principal.id
        stamps = {"id": self._ids(), "owner": actor, "creation": now, "modified": now, "modified_by": actor}
        document = validate(plan, {**values, **stamps})
        if plan.has_links and isinstance(plan.naming, SeriesNaming):
            await self._links.resolve(context.unit, context, plan, vars(document), {})
        name = await self._naming.name(plan, stamps["id"], given_name, document.__dict__, context)  # type: ignore[arg-type]
        vars(document)["name"] = name
        return document

    async def run(self, write: DocumentWrite) -> Served | None:
        """Run the stages after `parse` and return what the caller may read of the document; None if it is deleted.

        An update that changes nothing stores nothing. Raises the errors of the stages.
        """
        context, plan = write.context, write.plan
        known, key = self._sequences.of(context.registry), (plan.name, write.operation.action)
        sequence = known.get(key)
        if sequence is None:
            sequence = known[key] = compile_sequence(plan, write.operation, context.registry.stages, self)
        for stage in sequence.before:
            await stage(write)
        if write.is_unchanged:
            await self._check_unchanged(write)
            return await self.served(context, plan, write.values)
        for stage in sequence.after:
            await stage(write)
        return None if write.operation.name == "delete" else await self.served(context, plan, write.values)

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
        return Loaded(plan, values, reading, is_locked=lock is not None), grant

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
        where, parameters = parameterize(self._reachable(context, action, reading, ref))
        template = QueryTemplate(plan, full_selection(plan), where, lock=lock)
        rows = await unit.fetch(self._prepare.of(context.registry)(template), parameters)
        return row_to_document(full_selection(plan), rows[0]) if rows else None

    def _reachable(self, context: RequestContext, action: str, reading: Grant, ref: UUID | str) -> Filter:
        scoped = (by_reference(ref), self._permissions.bound_scope(reading, context.principal))
        return And(scoped if action == "purge" and isinstance(ref, UUID) else (*scoped, LIVE))

    async def served(self, context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any]) -> Served:
        """Return what the caller may read of stored values just written: at least id, name and version."""
        reading = await self._permissions.find(context, plan, "read")
        if reading is None or not await self._permissions.covers(context, plan, "read", reading, values):
            served = receipt(plan)
            return serve({name: values[name] for name in names_of(served.chosen)}, served.written)
        written = None if reading.evaluate else projection(plan, reading.readable).written
        return serve(visible(plan, reading.readable, values), written)

    def stage(self, name: str, operation: Operation) -> StageRun:
        """Return the code of one of the framework's stages, or of a step between them."""
        by_operation = {"create": self._insert, "delete": self._purge if operation is PURGE else self._delete}
        found: Mapping[str, StageRun] = {
            "note_kept": self._note_kept,
            "links": self._resolve_links,
            "note_links": self._note_links,
            "before_hooks": self._run_before_hooks,
            "validate": self._validate,
            "linked": self._refuse_if_linked,
            "number": self._renumber,
            "scope": self._demand_scope,
            "compare": self._compare,
            "store": by_operation.get(operation.name, self._update),
            "record": self._record,
            "flush": self._flush,
            "after_hooks": self._run_after_hooks,
            "read_again": self._read_again,
        }
        return found[name]

    def declared(self, stage: DeclaredStage, *, is_final: bool) -> StageRun:
        """Return the code that calls a declared stage; the document `is_final` where changes to it no longer count."""
        function, name = stage.function, stage.mark.name

        async def call(write: DocumentWrite) -> None:
            context, client = write.joined()
            stored = None if write.loaded is None else write.loaded.document
            document = write.document.model_copy(deep=True) if is_final else write.document
            operation, doctype = write.operation, write.plan.name
            given = Write(operation.name, operation.action, doctype, stored, document, context, client)
            with refuse_invalid(f"{doctype}, stage {name}"):
                await function(given, **self._injector.arguments(context, function))

        return call

    async def _note_kept(self, write: DocumentWrite) -> None:
        """Note what hooks and declared stages cannot change."""
        write.kept = kept_attributes(write.document)
        write.named_by = self._naming.parts(write.plan, write.document.__dict__)

    async def _resolve_links(self, write: DocumentWrite) -> None:
        await self._links.resolve(write.unit, write.context, write.plan, vars(write.document), write.stored)

    async def _note_links(self, write: DocumentWrite) -> None:
        """Note the links that have been checked."""
        write.linked = copy.deepcopy(document_values(write.plan, write.document))

    async def _run_before_hooks(self, write: DocumentWrite) -> None:
        hooks = self._hooks_of(write)
        await hooks.run(*write.operation.before)
        write.document = hooks.document

    def _hooks_of(self, write: DocumentWrite) -> HookRun:
        if write.hooks is None:
            context, client = write.joined()
            previous = None if write.loaded is None else write.loaded.document
            write.hooks = HookRun(write.plan, write.document, previous, context, client, self._injector)
        return write.hooks

    async def _validate(self, write: DocumentWrite) -> None:
        """Check the document as a whole after hooks and declared stages."""
        plan = write.plan
        write.document = document = settle(plan, write.document, write.kept, self._ids)
        if write.hooks is not None:
            write.hooks.document = document
        if plan.has_links:
            await self._links.resolve(write.unit, write.context, plan, vars(document), write.linked)
        if write.loaded is not None:
            check_state(write.operation, write.loaded, document)

    async def _refuse_if_linked(self, write: DocumentWrite) -> None:
        """Raise LinkedDocumentError if live documents, or for a purge also deleted ones, link to this one."""
        plan, is_purge = write.plan, write.operation is PURGE
        if linking := await write.unit.linking(plan.name, write.stored["id"], include_deleted=is_purge):
            known = ", ".join(await self._links.readable(write.context, linking))
            see = f", see {known}" if known else ""
            raise LinkedDocumentError(f"documents link to this {plan.name}: change or delete them first{see}")

    async def _renumber(self, write: DocumentWrite) -> None:
        """Name the document anew if what its name consists of has changed since it was named."""
        values = vars(write.document)
        if self._naming.parts(write.plan, values) != write.named_by:
            values["name"] = await self._naming.name(
                write.plan, values["id"], None, values, write.context.within(write.unit)
            )

    async def _demand_scope(self, write: DocumentWrite) -> None:
        write.values = values = document_values(write.plan, write.document)
        await self._permissions.demand(write.context, write.plan, write.operation.action, write.grant, values)

    async def _compare(self, write: DocumentWrite) -> None:
        write.changes = difference(write.plan, write.stored, write.values)
        write.is_unchanged = not write.changes

    async def _check_unchanged(self, write: DocumentWrite) -> None:
        """Take the stored values. Raises VersionConflictError if another write has changed them since they were loaded.

        Only the write's own hooks can have changed a locked document.
        """
        write.values = dict(write.stored)
        if write.loaded is None or write.loaded.is_locked:
            await self._read_again(write)
            return
        wrote = write.client is not None and write.client.wrote
        where, parameters = parameterize(And((by_reference(write.stored["id"]), LIVE)))
        template = QueryTemplate(write.plan, (VERSION_FIELD,), where, lock="change" if wrote else None)
        rows = await write.unit.fetch(self._prepare.of(write.context.registry)(template), parameters)
        if not rows or rows[0][0] != write.stored[VERSION_FIELD]:
            raise VersionConflictError("the document has changed since it was read: read it again, then repeat")

    async def _insert(self, write: DocumentWrite) -> None:
        plan, values = write.plan, write.values
        await write.unit.repository(plan.name).insert(write.document)
        values[VERSION_FIELD] = 1
        write.changes = difference(plan, None, values)

    async def _update(self, write: DocumentWrite) -> None:
        plan, stored, values = write.plan, write.stored, write.values
        await write.unit.repository(plan.name).update(write.document, expected_version=stored[VERSION_FIELD])
        values[VERSION_FIELD] += 1
        if not write.changes:
            write.changes = difference(plan, stored, values)

    async def _delete(self, write: DocumentWrite) -> None:
        write.values, plan, version = _deleted(write), write.plan, write.stored[VERSION_FIELD]
        gone = {name: write.values[name] for name in ("modified", "deleted_at")}
        gone["modified_by"] = write.context.principal.id
        kept = construct(plan.model, {**vars(document_from_values(plan, write.stored)), **gone})
        await write.unit.repository(plan.name).update(kept, expected_version=version)

    async def _purge(self, write: DocumentWrite) -> None:
        write.values = _deleted(write)
        await write.unit.repository(write.plan.name).delete(write.stored["id"])

    async def _record(self, write: DocumentWrite) -> None:
        """Add the audit entry and the event, and tell the listeners of this process after the commit."""
        operation, unit, plan, values = write.operation, write.unit, write.plan, write.values
        data = {"hard": operation is PURGE} if operation.name == "delete" else {}
        record_change(
            unit, write.context, plan, operation.action, operation.event, values, write.changes, self._ids, **data
        )
        self._watchers.written(unit, plan.name, values["id"])

    async def _flush(self, write: DocumentWrite) -> None:
        """Send the writes before hooks that read them, and copy the values so that hooks cannot change them."""
        await write.unit.flush()
        write.values = copy.deepcopy(write.values)

    async def _run_after_hooks(self, write: DocumentWrite) -> None:
        await self._hooks_of(write).run(*write.operation.after)

    async def _read_again(self, write: DocumentWrite) -> None:
        """Take the stored values of a document that its hooks may have written again."""
        if write.client is None or not write.client.wrote:
            return
        plan = write.plan
        where, parameters = parameterize(by_reference(write.values["id"]))
        prepare = self._prepare.of(write.context.registry)
        rows = await write.unit.fetch(prepare(QueryTemplate(plan, full_selection(plan), where)), parameters)
        write.values = row_to_document(full_selection(plan), rows[0]) if rows else write.values


def _deleted(write: DocumentWrite) -> dict[str, Any]:
    now, version = write.context.clock(), write.stored[VERSION_FIELD] + 1
    return {**write.stored, "modified": now, "deleted_at": now, VERSION_FIELD: version}
