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
from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import (
    AnswerReplayed,
    FieldError,
    FrameworkError,
    IdempotencyConflictError,
    NoGrantError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TransientError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredAnswer
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import Lock
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.drafts import (
    Expected,
    Parse,
    check_state,
    check_version,
    identify_rows,
    parse_body,
    parse_change,
)
from framework_m_core.services.documents.merging import creation_values, expected_version
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.documents.write import (
    CANCEL,
    CREATE,
    DELETE,
    PURGE,
    SUBMIT,
    UPDATE,
    DocumentWrite,
    Loaded,
    Operation,
)
from framework_m_core.services.documents.write_pipeline import WritePipeline
from framework_m_core.services.events.publishing import published_event
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.projection import Served
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.runtime.retry import retry

__all__ = ["DocumentService", "IdempotentWrite"]

type Document = Served


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
        idempotency: IdempotencyProtocol,
        ids: IdGenerator,
    ) -> None:
        self._registries = registries
        self._units = units
        self._pipeline = pipeline
        self._queries = queries
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
            raise FrameworkError("for_update: expected a unit of work, such as a hook's, since it holds the lock")
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
        if plan.children:
            identify_rows(plan, values, self._ids)
        first = [await self._pipeline.new_document(context, plan, values, given_name)]
        framework = {name: first[0].__dict__[name] for name in _STAMPS}

        async def work(unit: UnitOfWorkProtocol, lock: Lock | None) -> Document | None:
            document = first.pop() if first else validate(plan, {**values, **framework})
            write = DocumentWrite(CREATE, unit, context, plan, grant, document, self.client_for)
            return await self._pipeline.run(write)

        created: Document = await self._run(context, work, once, None)
        return created

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
        return await self._merge(context, doctype, ref, body, UPDATE, if_match, once)

    async def change(
        self, context: RequestContext, doctype: str, ref: UUID | str, change: Callable[[Any], None]
    ) -> Document:
        """Store what a function makes of a document; it may set fields that no body sets.

        Raises NoGrantError for callers other than the system.
        """
        if not context.principal.system:
            raise NoGrantError(f"expected the system as the caller that changes a {doctype} in place, got a user")
        changed: Document = await self._change(
            context, doctype, ref, parse_change(change, self._ids), UPDATE, Expected(), None
        )
        return changed

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
        return await self._transition(context, doctype, ref, body or {}, SUBMIT, if_match, once)

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
        return await self._transition(context, doctype, ref, body or {}, CANCEL, if_match, once)

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
        operation, expected = PURGE if hard else DELETE, Expected(if_match, precondition=True)
        await self._change(context, doctype, ref, _parse_delete, operation, expected, once)

    async def publish(self, context: RequestContext, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Store an event of a declared type in the context's unit of work, else in its own, and return its id.

        Raises ConfigurationError for a payload that no `@event_type` declares, ValidationError for one that is not
        valid.
        """
        context = self._registries.pin(context)
        event = published_event(context, payload, key, self._ids())
        if context.unit is not None:
            context.unit.record(event)
            return event.id

        async def attempt() -> UUID:
            async with self._units(context) as unit:
                unit.record(event)
                await unit.commit()
            return event.id

        return await retry(attempt, TransientError)

    async def _transition(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any],
        operation: Operation,
        if_match: int | None,
        once: IdempotentWrite | None,
    ) -> Document:
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        await self._permissions.require(context, plan, operation.action)
        if not plan.meta.submittable:
            problem = FieldError("*", "not_submittable")
            raise ValidationError(f"{plan.name} is not submittable", [problem])
        extra = [name for name in body if name != VERSION_FIELD]
        if extra:
            problems = [FieldError(name, "unknown_field", params={"choices": [VERSION_FIELD]}) for name in extra]
            raise ValidationError(f"expected no fields besides {VERSION_FIELD} to {operation.action}", problems)
        return await self._merge(context, doctype, ref, body, operation, if_match, once)

    async def _merge(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        body: Mapping[str, Any],
        operation: Operation,
        if_match: int | None,
        once: IdempotentWrite | None,
    ) -> Document:
        stated = expected_version(body)
        expected = Expected(stated) if if_match is None else Expected(if_match, precondition=True)
        parse = parse_body(body, self._ids)
        changed: Document = await self._change(context, doctype, ref, parse, operation, expected, once)
        return changed

    async def _change(
        self,
        context: RequestContext,
        doctype: str,
        ref: UUID | str,
        parse: Parse,
        operation: Operation,
        expected: Expected,
        once: IdempotentWrite | None,
    ) -> Any:
        context = self._registries.pin(context)
        plan: CompiledDocType = context.registry.get(doctype)
        await self._permissions.require(context, plan, operation.action)
        await self._replay(once, context)

        async def work(unit: UnitOfWorkProtocol, lock: Lock | None) -> Document | None:
            lock = "update" if operation.name == "delete" else lock
            loaded, grant = await self._pipeline.load(unit, context, plan, operation.action, ref, lock=lock)
            check_version(loaded, expected)
            document = parse(context, grant, loaded, operation)
            write = DocumentWrite(operation, unit, context, plan, grant, document, self.client_for, loaded)
            return await self._pipeline.run(write)

        with _stale(expected):
            return await self._run(context, work, once, expected.version)

    async def _run(
        self,
        context: RequestContext,
        work: Work,
        once: IdempotentWrite | None,
        version: int | None,
    ) -> Any:
        """Run work in a savepoint of the caller's unit, or else in its own unit, retrying on conflicts.

        The first try locks nothing, the others lock the document: of many writers at once, none is refused. A joined
        unit locks at once, since only the whole unit can be tried again. A keyed write is also retried when its outcome
        is unknown. When it fails because the same write has been stored meanwhile, the stored response is replayed.
        """
        errors: tuple[type[Exception], ...] = (TransientError,)
        if version is None:
            errors = (TransientError, VersionConflictError)
        if context.unit is not None:
            with _for_the_whole_unit(*errors):
                async with context.unit.savepoint():
                    return await work(context.unit, "change")
        lock: Lock | None = None

        async def attempt() -> Any:
            nonlocal lock
            taken, lock = lock, "change"
            await self._replay(once, context)
            async with self._units(context) as unit:
                result = await work(unit, taken)
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
            raise IdempotencyConflictError("this Idempotency-Key was used with another body: use a new key")
        raise AnswerReplayed(answer)


type Work = Callable[[UnitOfWorkProtocol, Lock | None], Awaitable[Document | None]]
"""A write in a unit of work, with the lock that it takes of its document."""

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
        raise TransientError("a document that a hook changes has been changed by another request: try again") from error


def _parse_delete(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
    document = loaded.document
    check_state(operation, loaded, document)
    return document
