"""`DocumentService`: the single entry point to documents.

HTTP, commands, hooks, event handlers and jobs all use it, so that each rule is written once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import DocStatus
from framework_m_core.domain.errors import (
    AnswerReplayed,
    FieldError,
    FrameworkError,
    IdempotencyConflictError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TransientError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.domain.events import DocCancelled, DocSubmitted, DocUpdated
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredAnswer
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.merging import creation_values, expected_version, update_values
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.documents.write_pipeline import (
    Change,
    Expected,
    WritePipeline,
    check_unseen,
    check_version,
)
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.projection import Served
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.runtime.retry import retry

__all__ = ["DocumentService", "IdempotentWrite"]

type Document = Served

_UPDATE = Change("write", DocUpdated, ("after_save",))
_SUBMIT = Change("submit", DocSubmitted, ("after_save", "on_submit"), DocStatus.SUBMITTED)
_CANCEL = Change("cancel", DocCancelled, ("after_save", "on_cancel"), DocStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class IdempotentWrite:
    """A write that is done once, however often it is requested. `answer` makes the stored response from its result."""

    key: str
    body_hash: str
    answer: Callable[[Served | None], StoredAnswer]


class DocumentService:
    """Creation, reading, change, submission, cancellation and deletion of documents for a request context.

    Every method raises AuthenticationError or NoGrantError without a grant, EntityNotFoundError for what the caller
    cannot read, OutsideScopeError for what the caller may read but not act on, and the store's errors.
    """

    def __init__(
        self,
        registries: RegistryHandle,
        units: UnitOfWorkFactoryProtocol,
        pipeline: WritePipeline,
        queries: QueryService,
        naming: NamingService,
        idempotency: IdempotencyProtocol,
        ids: IdGenerator,
    ) -> None:
        self._registries = registries
        self._units = units
        self._pipeline = pipeline
        self._queries = queries
        self._naming = naming
        self._idempotency = idempotency
        self._ids = ids
        self._permissions = queries.permissions

    def client_for(self, context: RequestContext) -> DocumentClient:
        """Return the document client of a context, as hooks and event handlers get it."""
        return DocumentClient(self, context)

    async def get(
        self, context: RequestContext, doctype: str, ref: UUID | str, *, for_update: bool = False
    ) -> Document:
        """Return a document by id or name, with every field that the caller may read.

        `for_update` locks it until the context's unit of work ends, and raises FrameworkError without one.
        """
        if for_update and context.unit is None:
            raise FrameworkError("for_update needs a unit of work, as a hook has it: here it would end at once")
        return await self._queries.get(context, doctype, ref, for_update=for_update)

    async def list(
        self, context: RequestContext, doctype: str, request: ListRequest
    ) -> PaginatedResult[dict[str, Any]]:
        """Return a page of documents that the caller may read. Raises QueryError."""
        return await self._queries.list(context, doctype, request)

    async def create(
        self, context: RequestContext, doctype: str, body: Mapping[str, Any], *, once: IdempotentWrite | None = None
    ) -> Document:
        """Create a document. Raises ValidationError, LinkTargetError, DuplicateNameError."""
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        grant = await self._permissions.require(context, plan, "create")
        await self._replay(once, context)
        values, given_name = creation_values(plan, grant, body)
        self._pipeline.identify_rows(plan, values)
        first = [await self._new_document(context, plan, values, given_name)]

        async def work(unit: UnitOfWorkProtocol) -> Document:
            document = first.pop() if first else validate(plan, {**values, **framework})
            return await self._pipeline.insert(unit, context, plan, grant, document, self.client_for)

        framework = {name: first[0].__dict__[name] for name in _STAMPS}
        return await self._run(context, work, once, *_conflicts(None))

    async def update(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any],
        *,
        if_match: int | None = None,
        once: IdempotentWrite | None = None,
    ) -> Document:
        """Merge given fields. A given version must equal the stored one; without one, conflicts are retried."""
        return await self._change(context, doctype, ref, body, _UPDATE, if_match, once)

    async def submit(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
        once: IdempotentWrite | None = None,
    ) -> Document:
        """Make a draft final. The body may hold the expected `_version` and nothing else."""
        return await self._transition(context, doctype, ref, body or {}, _SUBMIT, if_match, once)

    async def cancel(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: int | None = None,
        once: IdempotentWrite | None = None,
    ) -> Document:
        """Revoke a submitted document. The body is as for `submit`."""
        return await self._transition(context, doctype, ref, body or {}, _CANCEL, if_match, once)

    async def delete(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        *,
        hard: bool = False,
        if_match: int | None = None,
        once: IdempotentWrite | None = None,
    ) -> None:
        """Delete softly, or permanently with `hard`, which needs the action `purge`. Raises LinkedDocumentError."""
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        action = "purge" if hard else "delete"
        await self._permissions.require(context, plan, action)
        await self._replay(once, context)

        async def work(unit: UnitOfWorkProtocol) -> None:
            loaded, _ = await self._pipeline.load(unit, context, plan, action, ref, lock="update")
            check_version(loaded, Expected(if_match, precondition=True))
            await self._pipeline.remove(unit, context, plan, loaded, self.client_for, hard=hard)

        with _stale(Expected(if_match, precondition=True)):
            await self._run(context, work, once, *_conflicts(if_match))

    async def _transition(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any],
        change: Change,
        if_match: int | None,
        once: IdempotentWrite | None,
    ) -> Document:
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        await self._permissions.require(context, plan, change.action)
        if not plan.meta.submittable:
            problem = FieldError("*", "not_submittable", "Meta.submittable is not set for this DocType")
            raise ValidationError(f"{plan.name} documents are never submitted", [problem])
        extra = [FieldError(name, "unknown_field", "only _version is expected") for name in body if name != "_version"]
        if extra:
            raise ValidationError(f"a {change.action} takes no fields", extra)
        return await self._change(context, doctype, ref, body, change, if_match, once)

    async def _change(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any],
        change: Change,
        if_match: int | None,
        once: IdempotentWrite | None,
    ) -> Document:
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        await self._permissions.require(context, plan, change.action)
        await self._replay(once, context)
        stated = expected_version(body)
        expected = Expected(stated) if if_match is None else Expected(if_match, precondition=True)

        async def work(unit: UnitOfWorkProtocol) -> Document:
            loaded, grant = await self._pipeline.load(unit, context, plan, change.action, ref)
            check_version(loaded, expected)
            merged = update_values(plan, grant, lambda: loaded.served, loaded.values, body)
            check_unseen(loaded, body)
            return await self._pipeline.change(unit, context, plan, grant, loaded, merged, change, self.client_for)

        with _stale(expected):
            return await self._run(context, work, once, *_conflicts(expected.version))

    async def _new_document(
        self, context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any], given_name: str | None
    ) -> BaseModel:
        now, actor = context.clock(), context.principal.id
        stamps = {"id": self._ids(), "owner": actor, "creation": now, "modified": now, "modified_by": actor}
        document = validate(plan, {**values, **stamps})
        name = await self._naming.name(plan, stamps["id"], given_name, document.__dict__, context)  # type: ignore[arg-type]
        vars(document)["name"] = name
        return document

    async def _run[R: Document | None](
        self,
        context: RequestContext,
        work: Callable[[UnitOfWorkProtocol], Awaitable[R]],
        once: IdempotentWrite | None,
        *errors: type[Exception],
    ) -> R:
        """Run work in a savepoint of the caller's unit, or else in its own unit, retrying on conflicts.

        A keyed write is also retried when its outcome is unknown. When it fails because the same write has been
        stored meanwhile, the stored response is replayed.
        """
        if context.unit is not None:
            with _for_the_whole_unit(*errors):
                async with context.unit.savepoint():
                    return await work(context.unit)

        async def attempt() -> R:
            await self._replay(once, context)
            async with self._units(context) as unit:
                result = await work(unit)
                if once is not None:
                    unit.remember(once.answer(result))
                await unit.commit()
                return result

        if once is None:
            return await retry(attempt, *errors)
        try:
            return await retry(attempt, *errors, OutcomeUnknownError)
        except AnswerReplayed:
            raise
        except FrameworkError:
            await self._replay(once, context)
            raise

    async def _replay(self, once: IdempotentWrite | None, context: RequestContext) -> None:
        if once is None:
            return
        answer = await self._idempotency.find(context, once.key)
        if answer is None:
            return
        if answer.body_hash != once.body_hash:
            raise IdempotencyConflictError("this Idempotency-Key was used with another body: take a new key")
        raise AnswerReplayed(answer)


_STAMPS = ("id", "owner", "creation", "modified", "modified_by", "name")


@contextmanager
def _stale(expected: Expected) -> Iterator[None]:
    """Raise PreconditionFailedError for a version conflict with `If-Match` that is detected only by the store."""
    try:
        yield
    except PreconditionFailedError:
        raise
    except VersionConflictError as error:
        if expected.version is None or not expected.precondition:
            raise
        raise PreconditionFailedError(error.message) from error


@contextmanager
def _for_the_whole_unit(*errors: type[Exception]) -> Iterator[None]:
    """Raise TransientError for a retryable version conflict in a hook's call, as the hook's own reads may be stale."""
    try:
        yield
    except VersionConflictError as error:
        if VersionConflictError not in errors:
            raise
        raise TransientError("a document that a hook changes has just been changed: try again") from error


def _conflicts(version: int | None) -> tuple[type[Exception], ...]:
    """Return the errors worth a retry: version conflicts are included only when the caller gave no version."""
    return (TransientError,) if version is not None else (TransientError, VersionConflictError)
