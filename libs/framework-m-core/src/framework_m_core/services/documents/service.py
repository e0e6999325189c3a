"""`DocumentService`: the single entry point to documents.

HTTP, commands, hooks, event handlers and jobs all use it, so that each rule is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, overload
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import (
    FrameworkError,
    NoGrantError,
    PreconditionFailedError,
    TransientError,
    ValidationError,
    VersionConflictError,
    combine_errors,
    gather_errors,
)
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredResponse
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import Lock
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.merging import read_creation, read_expected_version
from framework_m_core.services.documents.publishing import compose_event, store_event
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.documents.values.copies import copy_values
from framework_m_core.services.documents.values.defaults import fill_defaults
from framework_m_core.services.documents.writing.drafts import (
    STAMPS,
    Expected,
    check_creation,
    find_parse,
    identify_rows,
    parse_change,
)
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.documents.writing.previews import Previews
from framework_m_core.services.documents.writing.requests import check_request, read_expected
from framework_m_core.services.documents.writing.runner import Fresh, IdempotentWrite, Work, WriteRunner
from framework_m_core.services.documents.writing.stored_work import StoredWork
from framework_m_core.services.documents.writing.write import (
    AMEND,
    CANCEL,
    CREATE,
    DELETE,
    DUPLICATE,
    PURGE,
    RENAME,
    RESTORE,
    SUBMIT,
    UPDATE,
    DocumentWrite,
    Operation,
)
from framework_m_core.services.links.served import without_additions
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rows.projection import Served
from framework_m_core.services.runtime.retry import CONFLICTS

__all__ = ["Document", "DocumentService"]

type Document = Served


class DocumentService:
    """Creation, reading, change, submission, cancellation and deletion of documents for a request context.

    Every method raises AuthenticationError or NoGrantError without a grant, EntityNotFoundError for what the caller
    cannot read, OutsideScopeError for what the caller may read but not act on, and the store's errors.
    """

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        write_pipeline: WritePipeline,
        queries: QueryService,
        idempotency: IdempotencyProtocol,
        ids: IdGenerator,
    ) -> None:
        self._registry_handle = registry_handle
        self._units = unit_of_work
        self._pipeline = write_pipeline
        self._queries = queries
        self._runner = WriteRunner(unit_of_work, idempotency)
        self._ids = ids
        self._stored_work = StoredWork(write_pipeline, self.client_for, ids)
        self.previews = Previews(unit_of_work, write_pipeline, queries)
        self._permissions = queries.permissions
        self._link_names = queries.link_names

    def client_for(self, context: RequestContext) -> DocumentClient:
        """Return the document client of a context, as hooks and event handlers get it."""
        return DocumentClient(self, context)

    async def get(
        self, context: RequestContext, doctype: str, ref: UUID | str, *, titles: bool = False, for_update: bool = False
    ) -> Document:
        """Return a document by id or name, with every field that the caller may read.

        `titles` adds those of linked documents. `for_update` locks the document until the context's unit of work ends,
        and raises FrameworkError without one.
        """
        if for_update and context.unit is None:
            raise FrameworkError("for_update: expected a unit of work, such as a hook's, since it holds the lock")
        return await self._queries.get(context, doctype, ref, titles=titles, for_update=for_update)

    async def list(
        self, context: RequestContext, doctype: str, request: ListRequest
    ) -> PaginatedResult[dict[str, Any]]:
        """Return a page of documents that the caller may read. Raises QueryError."""
        return await self._queries.list(context, doctype, request)

    async def create(self, context: RequestContext, doctype: str, body: Mapping[str, Any]) -> Document:
        """Create a document. Raises ValidationError, LinkTargetError, DuplicateNameError."""
        created: Document = (await self.write(context, doctype, CREATE, None, body)).document
        return created

    async def duplicate(
        self, context: RequestContext, doctype: str, ref: UUID | str, body: Mapping[str, Any] | None = None
    ) -> Document:
        """Create a copy of a document, as far as the caller reads it, with the fields of a body in place of its own."""
        copied: Document = (await self.write(context, doctype, DUPLICATE, ref, body)).document
        return copied

    async def update(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any],
        *,
        if_match: int | None = None,
    ) -> Document:
        """Merge given fields. A given version must equal the stored one; without one, conflicts are retried."""
        updated: Document = (await self.write(context, doctype, UPDATE, ref, body, if_match=if_match)).document
        return updated

    async def change(
        self, context: RequestContext, doctype: str, ref: UUID | str, change: Callable[[Any], None]
    ) -> Document:
        """Store what a function makes of a document; it may set fields that no body sets.

        Raises NoGrantError for work that is not elevated.
        """
        if not context.principal.is_elevated:
            raise NoGrantError(f"expected elevated work to change a {doctype} in place, got a caller's own")
        context = self._registry_handle.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        await self._permissions.require_grant(context, plan, UPDATE.action)
        work = self._stored_work.change(context, plan, ref, parse_change(change, self._ids), UPDATE, Expected())
        store = partial(self._runner.run, context, work, CONFLICTS)
        changed: Document = (await self._pipeline.large_work.run(context, plan, ref, {}, store)).document
        return changed

    async def submit(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
    ) -> Document:
        """Make a draft final. The body may hold the expected `_version` and nothing else."""
        submitted: Document = (await self.write(context, doctype, SUBMIT, ref, body, if_match=if_match)).document
        return submitted

    async def cancel(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
    ) -> Document:
        """Revoke a submitted document. The body is as for `submit`."""
        cancelled: Document = (await self.write(context, doctype, CANCEL, ref, body, if_match=if_match)).document
        return cancelled

    async def amend(
        self, context: RequestContext, doctype: str, ref: UUID | str, body: Mapping[str, Any] | None = None
    ) -> Document:
        """Create a draft in place of a cancelled document, with the fields of a body in place of its own.

        Raises AmendedDocumentError for a document that has an amendment already.
        """
        amended: Document = (await self.write(context, doctype, AMEND, ref, body)).document
        return amended

    async def rename(
        self, context: RequestContext, doctype: str, ref: UUID | str, name: str, *, if_match: int | None = None
    ) -> Document:
        """Give a document another name; links hold ids, so they stay. Raises DuplicateNameError, ValidationError."""
        named: Document = (await self.write(context, doctype, RENAME, ref, {"name": name}, if_match=if_match)).document
        return named

    async def delete(
        self, context: RequestContext, doctype: str, ref: UUID | str, *, hard: bool = False, if_match: int | None = None
    ) -> None:
        """Delete softly, or permanently with `hard`, which needs the action `purge`. Raises LinkedDocumentError."""
        await self.write(context, doctype, PURGE if hard else DELETE, ref, if_match=if_match)

    async def restore(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
    ) -> Document:
        """Restore a deleted document, the last one of a name. Raises DocumentNotDeletedError, LinkTargetError."""
        restored: Document = (await self.write(context, doctype, RESTORE, ref, body, if_match=if_match)).document
        return restored

    @overload
    async def write(
        self,
        context: RequestContext,
        doctype: str,
        operation: Operation,
        ref: UUID | str | None,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
        idempotent: None = None,
        refused: Sequence[ValidationError] = (),
    ) -> Fresh: ...

    @overload
    async def write(
        self,
        context: RequestContext,
        doctype: str,
        operation: Operation,
        ref: UUID | str | None,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
        idempotent: IdempotentWrite | None,
        refused: Sequence[ValidationError] = (),
    ) -> StoredResponse | Fresh: ...

    async def write(
        self,
        context: RequestContext,
        doctype: str,
        operation: Operation,
        ref: UUID | str | None,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
        idempotent: IdempotentWrite | None = None,
        refused: Sequence[ValidationError] = (),
    ) -> StoredResponse | Fresh:
        """Run an operation on the document `ref`, None to create one; with `idempotent`, at most once.

        Raises the errors of the operation, and IdempotencyConflictError for a key of another body. `refused` is what is
        already known to be wrong with the request: nothing is run, and what is wrong with the body is raised with it.
        """
        context, body = self._registry_handle.pin(context), body or {}
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self._permissions.require_grant(context, plan, operation.action)
        if plan.has_links:
            body = without_additions(plan, body)
        if operation is DUPLICATE and ref is not None:
            if idempotent and not refused and (stored := await self._runner.find_response(context, idempotent)):
                return stored  # the copied document may be gone by now
            copied = copy_values(plan, grant.writable, await self._queries.get(context, doctype, ref))
            body, ref = {**copied, **body}, None
        if refused:
            body, unknown = await self._link_names.resolve_body(context, plan, grant.writable, body)
            raise await self._refuse(context, plan, grant, operation, ref, body, (*refused, *unknown))
        if ref is not None and operation is not UPDATE:
            check_request(plan, operation, body)
        expected = Expected() if ref is None else read_expected(body, if_match)
        if idempotent is not None and (stored := await self._runner.find_response(context, idempotent)) is not None:
            return stored
        body, unknown = await self._link_names.resolve_body(context, plan, grant.writable, body)
        if unknown:
            raise await self._refuse(context, plan, grant, operation, ref, body, unknown)
        store = partial(self._store, context, plan, grant, operation, ref, body, expected, idempotent)
        return await (self._pipeline.large_work.run(context, plan, ref, body, store) if plan.children else store())

    async def _store(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        operation: Operation,
        ref: UUID | str | None,
        body: Mapping[str, Any],
        expected: Expected,
        idempotent: IdempotentWrite | None,
    ) -> StoredResponse | Fresh:
        """Run an operation, with retries of what may succeed later."""
        if ref is None:
            work = await self._prepare_creation(context, plan, grant, body)
        else:
            work = self._stored_work.prepare(context, plan, ref, body, operation, expected)
        try:
            retried = CONFLICTS if expected.version is None else (TransientError,)
            return await self._runner.run(context, work, retried, idempotent)
        except VersionConflictError as error:
            if isinstance(error, PreconditionFailedError) or expected.version is None or not expected.precondition:
                raise
            raise PreconditionFailedError(error.message) from error

    async def _refuse(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        operation: Operation,
        ref: UUID | str | None,
        body: Mapping[str, Any],
        refused: Sequence[ValidationError],
    ) -> ValidationError:
        """Return the error of a request with what is wrong with its body. Raises EntityNotFoundError."""
        await self._pipeline.large_work.wait_turn(plan, body)
        found = [*refused]
        if ref is None:
            with gather_errors(found):
                check_creation(context, plan, grant, body, self._ids)
            return combine_errors(found)
        with gather_errors(found):
            read_expected_version(body)
        with gather_errors(found):
            check_request(plan, operation, body)
        if operation.name == "update":
            async with self._units(context) as unit:
                loaded, grant = await self._pipeline.loader.load(unit, context, plan, operation.action, ref)
                with gather_errors(found):
                    find_parse(operation, body, self._ids)(context, grant, loaded, operation)
        return combine_errors(found)

    async def publish(self, context: RequestContext, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Store an event of a declared type in the context's unit of work, else in its own, and return its id.

        Raises ConfigurationError for a payload that no `@event_type` declares, ValidationError for one that is not
        valid.
        """
        context = self._registry_handle.pin(context)
        event = compose_event(context, payload, key, self._ids())
        await store_event(self._units, context, event)
        return event.id

    async def _prepare_creation(
        self, context: RequestContext, plan: CompiledDocType, grant: Grant, body: Mapping[str, Any]
    ) -> Work:
        """Return what stores a new document, after naming it."""
        if plan.children:
            await self._pipeline.large_work.wait_turn(plan, body)
        values, given_name = read_creation(plan, grant, body)
        if plan.dynamic_defaults:
            fill_defaults(context, plan, values)
        if plan.children:
            identify_rows(plan, values, self._ids)
        first = [await self._pipeline.build_new_document(context, plan, values, given_name)]
        framework = {name: first[0].__dict__[name] for name in STAMPS}

        async def work(unit: UnitOfWorkProtocol, lock: Lock | None) -> Document | None:
            document = first.pop() if first else validate(plan, {**values, **framework})
            write = DocumentWrite(CREATE, unit, context, plan, grant, document, self.client_for)
            return await self._pipeline.run(write)

        return work
