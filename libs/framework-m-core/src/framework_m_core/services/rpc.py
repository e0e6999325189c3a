"""`RpcService`: calls the methods and functions that apps declare as endpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pydantic
from pydantic import BaseModel

from framework_m_core.controllers.controller import Documents
from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import (
    AuthenticationError,
    ControllerError,
    FieldError,
    MethodNotFoundError,
    TransientError,
    ValidationError,
    combine_errors,
    gather_errors,
)
from framework_m_core.domain.fields.values import MAX_JSON_DEPTH, MAX_JSON_VALUES
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import Lock
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.endpoints import DOC_ID, Endpoint
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.json_conversion import convert_arguments
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.validation import field_errors_of
from framework_m_core.services.documents.writing.drafts import has_changed, parse_change
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.documents.writing.write import UPDATE, DocumentWrite, Loaded
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.runtime.injection import Injector
from framework_m_core.services.runtime.lookups import refuse_failed_lookups
from framework_m_core.services.runtime.retry import retry

__all__ = ["AuthorizedCall", "Finish", "RpcService"]

_MAX_ARGUMENTS = 200


type Finish[R] = Callable[[Any], R]
"""Converts a returned value to the response; if it raises, the call is rolled back."""


class RpcService:
    """Calls of endpoints, each in one unit of work that commits on return and rolls back on errors."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        write_pipeline: WritePipeline,
        permissions: PermissionService,
        documents: DocumentService,
        ids: IdGenerator,
        injector: Injector,
    ) -> None:
        self._registry_handle = registry_handle
        self._units = unit_of_work
        self._pipeline = write_pipeline
        self._permissions = permissions
        self._documents = documents
        self._ids = ids
        self._injector = injector

    async def find_method(self, context: RequestContext, doctype: str, name: str) -> AuthorizedCall:
        """Return a controller method that the caller may call; the body names the document by `doc_id`.

        Raises MethodNotFoundError (AuthenticationError if anonymous) and the errors of permissions.
        """
        context = self._registry_handle.pin(context)
        plan: CompiledDocType | None = context.registry.doctypes.get(doctype)
        call = plan.calls.get(name) if plan is not None and plan.meta.has_api else None
        if plan is None or call is None:
            raise _unknown(context, f"{doctype}.{name}")
        await self._require(context, plan, call)
        return AuthorizedCall(self, context, call, plan)

    async def find_function(self, context: RequestContext, path: str) -> AuthorizedCall:
        """Return a function that the caller may call, by its declared path. Raises as `find_method` does."""
        context = self._registry_handle.pin(context)
        call: Endpoint | None = context.registry.functions.get(path)
        if call is None:
            raise _unknown(context, path)
        plan = context.registry.get(call.doctype) if call.doctype is not None else None
        if plan is not None:
            await self._require(context, plan, call)
        return AuthorizedCall(self, context, call, plan)

    async def run[R](
        self,
        ready: AuthorizedCall,
        body: Mapping[str, Any],
        finish: Finish[R],
        refused: Sequence[ValidationError] = (),
    ) -> R:
        """Run a call, with retries.

        Raises ValidationError for the body and what is `refused` of the request already, and errors of the endpoint and
        `finish`.
        """
        call, given, found = ready.call, dict(body), [*refused]
        ref: UUID | str | None = None
        with gather_errors(found):
            ref = _reference(given.pop(DOC_ID, None)) if call.document else None
        with gather_errors(found):
            _arguments(call, given, _limit_nesting(given))
        if found:
            raise combine_errors(found)

        async def attempt() -> R:
            arguments = _arguments(call, copy.deepcopy(given))
            async with self._units(ready.context) as unit:
                response = finish(await self._invoke(unit, ready, ref, arguments))
                await unit.commit()
                return response

        return await retry(attempt, TransientError)

    async def _invoke(
        self, unit: UnitOfWorkProtocol, ready: AuthorizedCall, ref: UUID | str | None, arguments: Mapping[str, Any]
    ) -> Any:
        call, within = ready.call, ready.context.within(unit)
        client = self._documents.client_for(within)
        filled = {
            **{name: client if kind is Documents else within for name, kind in call.filled.items()},
            **self._injector.resolve_arguments(within, call.function),
        }
        if call.controller is None:
            with refuse_failed_lookups(call.function.__qualname__, arguments):
                return await call.function(**arguments, **filled)
        document: Any = None
        loaded: Loaded | None = None
        action = call.action or "read"
        if ref is not None and ready.plan is not None:
            lock: Lock | None = "change" if within.registry.actions[action].changes else None
            loaded, grant = await self._pipeline.loader.load(unit, ready.context, ready.plan, action, ref, lock=lock)
            document = loaded.document
        controller = call.controller(document, None, within, client)
        self._injector.inject(within, controller)
        with refuse_failed_lookups(call.function.__qualname__, arguments):
            result = await call.function(controller, **arguments, **filled)
        if loaded is not None:
            await self._store_changed(unit, ready.context, loaded, grant, action, controller.doc)
        return result

    async def _store_changed(
        self,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        loaded: Loaded,
        grant: Grant,
        action: str,
        document: BaseModel,
    ) -> None:
        """Update a loaded document to what a method made of it, if anything, under the action that the method requires.

        Raises ControllerError for a change under an action that changes nothing, and if the method has also written the
        document by a service: one of the two would be lost.
        """
        if not has_changed(loaded, document):
            return
        plan = loaded.plan
        if not context.registry.actions[action].changes:
            raise ControllerError(f"{plan.name}: a method that changes self.doc requires 'write', not {action!r}")
        version = await self._pipeline.loader.read_version(unit, context, plan, loaded.values["id"])
        if version != loaded.values[VERSION_FIELD]:
            raise ControllerError(
                f"{plan.name}: a method changed self.doc and also wrote the same document by self.documents: do one of "
                "the two"
            )
        await self._pipeline.resolve_names(context.within(unit), plan, document)
        operation = replace(UPDATE, action=action)
        parse = parse_change(lambda stored: vars(stored).update(vars(document)), self._ids)
        draft, client_for = parse(context, grant, loaded, operation), self._documents.client_for
        await self._pipeline.run(DocumentWrite(operation, unit, context, plan, grant, draft, client_for, loaded))

    async def _require(self, context: RequestContext, plan: CompiledDocType, call: Endpoint) -> None:
        if call.action is not None:
            await self._permissions.require_grant(context, plan, call.action)


@dataclass(frozen=True, slots=True)
class AuthorizedCall:
    """A call that the caller has permission for, checked before the body is read."""

    service: RpcService
    context: RequestContext
    call: Endpoint
    plan: CompiledDocType | None

    async def __call__[R](
        self, body: Mapping[str, Any], finish: Finish[R], refused: Sequence[ValidationError] = ()
    ) -> R:
        """Run the call with the arguments in a body. Raises as `RpcService.run` does."""
        return await self.service.run(self, body, finish, refused)


def _unknown(context: RequestContext, name: str) -> Exception:
    if context.principal.is_anonymous:
        return AuthenticationError()
    return MethodNotFoundError(f"there is no method or function {name[:200]!r}")


def _limit_nesting(given: dict[str, Any]) -> dict[str, FieldError]:
    """Return an error for each argument that is nested too deep, and cut it, so that its type is still checked.

    Raises ValidationError for an argument of too many values.
    """
    found: dict[str, FieldError] = {}
    for name, value in given.items():
        levels, values = _measure(value)
        if values > MAX_JSON_VALUES:
            error = FieldError(name, "out_of_bounds", params={"max_values": MAX_JSON_VALUES})
            raise ValidationError("the arguments are not valid", [error])
        if levels > MAX_JSON_DEPTH:
            found[name] = FieldError(name, "out_of_bounds", params={"max_depth": MAX_JSON_DEPTH})
            given[name] = _cut(value, MAX_JSON_DEPTH)
    return found


def _measure(value: Any) -> tuple[int, int]:
    """Return how many levels of arrays and objects are inside a value, and of how many values it consists."""
    levels, values, level = -1, 0, [value]
    while level:
        levels, values = levels + 1, values + len(level)
        level = [part for parent in level if isinstance(parent, (dict, list)) for part in _parts(parent)]
    return levels, values


def _parts(parent: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return parent.values() if isinstance(parent, dict) else parent


def _cut(value: Any, levels: int) -> Any:
    """Return a value without what is nested deeper than some levels."""
    if isinstance(value, dict):
        return {key: _cut(part, levels - 1) for key, part in value.items()} if levels else {}
    if isinstance(value, list):
        return [_cut(part, levels - 1) for part in value] if levels else []
    return value


def _reference(raw: Any) -> UUID | str:
    if raw is None:
        raise ValidationError(f"expected a document's id or name as {DOC_ID}", [FieldError(DOC_ID, "required")])
    if not isinstance(raw, str) or not raw:
        error = FieldError(DOC_ID, "wrong_type", params={"type": "reference"})
        raise ValidationError(f"{DOC_ID} is not valid", [error])
    try:
        return UUID(raw)
    except ValueError:
        return raw


def _arguments(
    call: Endpoint, given: Mapping[str, Any], too_deep: Mapping[str, FieldError] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the arguments of a call. Raises ValidationError for all that are wrong or `too_deep`."""
    if len(given) > _MAX_ARGUMENTS:
        params = {"max_arguments": _MAX_ARGUMENTS, "count": len(given)}
        raise ValidationError("the arguments are not valid", [FieldError("*", "out_of_bounds", params=params)])
    errors: list[FieldError] = []
    converted = convert_arguments(call.arguments, given, errors)
    wrong = {error.field.partition(".")[0] for error in errors}
    errors += [error for name, error in too_deep.items() if name not in wrong]
    told = {"*", *(error.field.partition(".")[0] for error in errors)} if errors else set[str]()
    try:
        model = call.arguments.model_validate(converted)
    except pydantic.ValidationError as error:
        errors += [one for one in field_errors_of(error) if one.field.partition(".")[0] not in told]
    if errors:
        raise ValidationError("the arguments are not valid", errors)
    return {name: getattr(model, name) for name in call.arguments.model_fields}
