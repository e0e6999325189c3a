"""`WritePipeline`: the one sequence of named stages that every write of a document runs, in an open unit of work.

The service runs the first stages, `authorize`, `load` and `parse`: they come before there is a document to write.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RegistryView, RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD, construct
from framework_m_core.domain.documents.naming import FieldNaming, SeriesNaming
from framework_m_core.domain.errors import VersionConflictError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.interfaces.reader import DocumentReaderProtocol, Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.services.documents.changes import compare_values, record_change
from framework_m_core.services.documents.codec import build_document
from framework_m_core.services.documents.hooks import complete_draft, framework_attributes_of
from framework_m_core.services.documents.links import LinkService, check_fetched
from framework_m_core.services.documents.naming import (
    NamingService,
    follow_field,
    normalize_naming_field,
    refuse_empty_parts,
)
from framework_m_core.services.documents.validation import dump_document, validate
from framework_m_core.services.documents.values.defaults import fill_added_rows
from framework_m_core.services.documents.values.set_once import refuse_set_again
from framework_m_core.services.documents.writing.amendments import AmendmentDrafts
from framework_m_core.services.documents.writing.computing import compute_fields
from framework_m_core.services.documents.writing.drafts import check_state
from framework_m_core.services.documents.writing.hook_stages import HookStages
from framework_m_core.services.documents.writing.link_guards import LinkGuards
from framework_m_core.services.documents.writing.loading import DocumentLoader
from framework_m_core.services.documents.writing.sequence import StageRun, WriteSequence, may_change, steps_of
from framework_m_core.services.documents.writing.write import CREATE, PURGE, RESTORE, DocumentWrite, Operation
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.rows.projection import (
    Served,
    by_reference,
    compile_projection,
    compile_receipt,
    convert_row,
    names_of,
    select_readable,
    select_stored_fields,
    serialize,
)
from framework_m_core.services.rows.template_cache import derive_template_caches
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.injection import Injector
from framework_m_core.services.runtime.large_work import LargeWork

__all__ = ["WritePipeline"]


class WritePipeline:
    """Writes in a unit of work that the caller opens and commits."""

    def __init__(
        self,
        reader: DocumentReaderProtocol,
        permissions: PermissionService,
        links: LinkService,
        naming: NamingService,
        commit_listeners: CommitListeners,
        ids: IdGenerator,
        injector: Injector,
    ) -> None:
        self._permissions = permissions
        self._commit_listeners = commit_listeners
        self.links = links
        self._naming = naming
        self._ids = ids
        self._prepare = derive_template_caches(reader.prepare)
        self._guards = LinkGuards(reader, permissions, links)
        self.large_work = LargeWork(max(2, reader.heavy_reads // 2))
        self._sequences: Derived[RegistryView, dict[tuple[str, str, str], WriteSequence]] = Derived(lambda _: {})
        self._hooks = HookStages(injector)
        self.loader = DocumentLoader(reader, permissions)
        self.amendments = AmendmentDrafts(reader, ids)

    async def build_new_document(
        self, context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any], given_name: str | None
    ) -> BaseModel:
        """Return a new document, validated and named.

        A series takes its number before the unit of work, so that hooks never hold a counter, and after the links have
        been checked, so that a refused body takes none.
        """
        id, now, actor = self._ids(), context.clock(), context.principal.id
        given = {**values, "id": id, "owner": actor, "creation": now, "modified": now, "modified_by": actor}
        if isinstance(plan.naming, FieldNaming):
            normalize_naming_field(plan.naming, given)
        document = validate(plan, given)
        if isinstance(plan.naming, SeriesNaming):
            if plan.has_links:
                document = await self._follow_links(context.unit, context, plan, document, {}, {})
            refuse_empty_parts(plan.naming, vars(document), lambda: may_change(plan, CREATE, context.registry))
        vars(document)["name"] = name = await self._naming.make_name(plan, id, given_name, vars(document), context)
        if isinstance(plan.naming, FieldNaming):
            vars(document)[plan.naming.field] = name
        return document

    async def resolve_names(self, context: RequestContext, plan: CompiledDocType, document: BaseModel) -> None:
        """Replace the names that code of an app has set in links by ids. Raises LinkTargetError."""
        await self.links.resolve_names(context, plan, document)

    async def run(self, write: DocumentWrite) -> Served | None:
        """Run the stages after `parse` and return what the caller may read of the document; None if it is deleted.

        An update that changes nothing stores nothing. Raises the errors of the stages.
        """
        if write.cause is not None:
            write.mark_cause()
        context, plan = write.context, write.plan
        known, key = self._sequences.of(context.registry), (plan.name, write.operation.name, write.operation.action)
        sequence = known.get(key)
        if sequence is None:
            sequence = known[key] = self._compile(plan, write.operation, context.registry)
        for stage in sequence.before:
            if plan.children:
                await self.large_work.wait_turn(plan, vars(write.document))
            await stage(write)
        if plan.children:
            self.large_work.remember(plan, vars(write.document))
        if write.is_unchanged:
            await self._check_unchanged(write)
            return await self._serve_written(context, plan, write.values)
        write.is_storing = True
        for stage in sequence.after:
            if plan.children:
                await self.large_work.wait_turn(plan, vars(write.document))
            await stage(write)
        return None if write.operation.name == "delete" else await self._serve_written(context, plan, write.values)

    async def _serve_written(self, context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any]) -> Served:
        """Return what the caller may read of stored values just written: at least id, name and version."""
        reading = await self._permissions.find(context, plan, "read")
        if reading is None or not await self._permissions.covers(context, plan, "read", reading, values):
            served = compile_receipt(plan)
            return serialize({name: values[name] for name in names_of(served.chosen)}, served.written)
        written = None if reading.evaluate else compile_projection(plan, reading.readable).written
        return serialize(select_readable(plan, reading.readable, values), written)

    def _compile(self, plan: CompiledDocType, operation: Operation, registry: RegistryView) -> WriteSequence:
        """Return what an operation on a DocType runs of the stages of its registry."""
        steps = steps_of(plan, operation, registry)
        final_from = steps.index("validate") if "validate" in steps else 0
        compiled = [
            self._stage(step, operation)
            if isinstance(step, str)
            else self._hooks.bind_declared(step, is_final=place >= final_from)
            for place, step in enumerate(steps)
        ]
        at = steps.index("store")
        return WriteSequence(tuple(compiled[:at]), tuple(compiled[at:]))

    def _stage(self, name: str, operation: Operation) -> StageRun:
        """Return the code of one of the framework's stages, or of a step between them."""
        by_operation = {"create": self._insert, "delete": self._purge if operation is PURGE else self._delete}
        guards = self._guards
        link_guards = {
            "delete": guards.refuse_delete,
            "cancel": guards.refuse_cancel,
            "restore": guards.refuse_deleted_targets,
        }
        found: Mapping[str, StageRun] = {
            "note_kept": self._note_kept,
            "links": self._resolve_links,
            "note_links": self._note_links,
            "before_hooks": self._hooks.run_before,
            "validate": self._validate,
            "compute": self._compute,
            "link_guards": link_guards.get(operation.name, guards.refuse_cancelled_targets),
            "number": self._renumber,
            "scope": self._require_scope,
            "compare": self._compare,
            "store": by_operation.get(operation.name, self._update),
            "record": self._record,
            "flush": self._flush,
            "after_hooks": self._hooks.run_after,
            "read_again": self._read_again,
        }
        return found[name]

    async def _note_kept(self, write: DocumentWrite) -> None:
        """Remember what hooks and declared stages cannot change."""
        write.kept = framework_attributes_of(write.document)
        write.named_by = self._naming.read_parts(write.plan, write.document.__dict__)

    async def _resolve_links(self, write: DocumentWrite) -> None:
        stored = write.stored
        write.document = await self._follow_links(write.unit, write.context, write.plan, write.document, stored, stored)
        if write.plan.has_fetches:
            _check_change(write)

    async def _follow_links(
        self,
        unit: UnitOfWorkProtocol | None,
        context: RequestContext,
        plan: CompiledDocType,
        document: BaseModel,
        before: Mapping[str, Any],
        stored: Mapping[str, Any],
    ) -> BaseModel:
        """Return a document with its links that differ from `before` checked, and its fetched fields filled."""
        has_fetched = await self.links.resolve(unit, context, plan, vars(document), before)
        return check_fetched(plan, document, stored) if has_fetched else document

    async def _note_links(self, write: DocumentWrite) -> None:
        """Remember the links that have been checked."""
        write.checked_links = copy.deepcopy(dump_document(write.plan, write.document))

    async def _validate(self, write: DocumentWrite) -> None:
        """Check the document as a whole after hooks and declared stages."""
        plan = write.plan
        await self.resolve_names(write.context.within(write.unit), plan, write.document)
        if plan.dynamic_defaults:
            fill_added_rows(write.context, plan, write.document)
        document = complete_draft(plan, write.document, write.kept, self._ids, write.checked_links, write.stored)
        if plan.has_links:
            document = await self._follow_links(
                write.unit, write.context, plan, document, write.checked_links, write.stored
            )
        write.document = document
        if write.hooks is not None:
            write.hooks.document = document
        _check_change(write)

    async def _compute(self, write: DocumentWrite) -> None:
        compute_fields(write.plan, write.document)

    async def _renumber(self, write: DocumentWrite) -> None:
        """Rename the document if the values that its name consists of have changed since it was named."""
        values = vars(write.document)
        refuse_empty_parts(write.plan.naming, values)
        if self._naming.read_parts(write.plan, values) != write.named_by:
            values["name"] = name = await self._naming.make_name(
                write.plan, values["id"], None, values, write.context.within(write.unit)
            )
            if isinstance(write.plan.naming, FieldNaming):
                values[write.plan.naming.field] = name

    async def _require_scope(self, write: DocumentWrite) -> None:
        write.values = values = dump_document(write.plan, write.document)
        action = write.operation.action
        await self._permissions.require_covered(write.context, write.plan, action, write.grant, values)

    async def _compare(self, write: DocumentWrite) -> None:
        write.changes = compare_values(write.plan, write.stored, write.values)
        write.is_unchanged = not (write.changes or write.sets_hidden)

    async def _check_unchanged(self, write: DocumentWrite) -> None:
        """Take the stored values. Raises VersionConflictError if another write has changed them meanwhile."""
        write.values = dict(write.stored)
        if write.loaded is None or write.loaded.is_locked:
            return
        lock: Lock | None = "change" if write.wrote else None
        version = await self.loader.read_version(write.unit, write.context, write.plan, write.stored["id"], lock=lock)
        if version != write.stored[VERSION_FIELD]:
            raise VersionConflictError("the document has changed since it was read: read it again, then repeat")

    async def _insert(self, write: DocumentWrite) -> None:
        plan, values = write.plan, write.values
        await write.unit.repository(plan.name).insert(write.document)
        values[VERSION_FIELD] = 1
        write.changes = compare_values(plan, None, values)

    async def _update(self, write: DocumentWrite) -> None:
        plan, stored, values = write.plan, write.stored, write.values
        repository = write.unit.repository(plan.name)
        await repository.update(write.document, expected_version=stored[VERSION_FIELD], stored=stored)
        values[VERSION_FIELD] += 1
        if not write.changes:
            write.changes = compare_values(plan, stored, values)

    async def _delete(self, write: DocumentWrite) -> None:
        write.values, plan, version = write.to_deleted_values(), write.plan, write.stored[VERSION_FIELD]
        gone = {name: write.values[name] for name in ("modified", "deleted_at")}
        gone["modified_by"] = write.context.principal.id
        kept = construct(plan.model, {**vars(build_document(plan, write.stored)), **gone})
        await write.unit.repository(plan.name).update(kept, expected_version=version, stored=write.stored)

    async def _purge(self, write: DocumentWrite) -> None:
        write.values = write.to_deleted_values()
        await write.unit.repository(write.plan.name).delete(write.stored["id"])

    async def _record(self, write: DocumentWrite) -> None:
        """Add the audit entry and the event, and notify the listeners of this process after the commit."""
        operation, unit, plan, values = write.operation, write.unit, write.plan, write.values
        data = {"hard": operation is PURGE} if operation.name == "delete" else {}
        action = "restore" if operation is RESTORE else operation.action
        record_change(unit, write.context, plan, action, operation.event, values, write.changes, self._ids, **data)
        self._commit_listeners.notify(unit, plan.name, values["id"])

    async def _flush(self, write: DocumentWrite) -> None:
        """Send the writes before hooks that read them, and copy the values so that hooks cannot change them."""
        await write.unit.flush()
        write.values = copy.deepcopy(write.values)

    async def _read_again(self, write: DocumentWrite) -> None:
        """Take the stored values of a document that its hooks may have written again."""
        if not write.wrote:
            return
        plan = write.plan
        where, parameters = parameterize(by_reference(write.values["id"]))
        prepare = self._prepare.of(write.context.registry)
        rows = await write.unit.fetch(prepare(QueryTemplate(plan, select_stored_fields(plan), where)), parameters)
        write.values = convert_row(select_stored_fields(plan), rows[0]) if rows else write.values


def _check_change(write: DocumentWrite) -> None:
    """Raise SubmittedDocumentError for fields that the status fixes, and ValidationError for those set once."""
    if write.loaded is None:
        return
    follow_field(write.plan, write.stored, write.document)
    if write.plan.set_once:
        refuse_set_again(write.context, write.plan, write.stored, dump_document(write.plan, write.document))
    check_state(write.operation, write.loaded, write.document)
