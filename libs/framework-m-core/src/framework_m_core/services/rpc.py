"""`RpcService`: calls the methods and functions that apps declare as endpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pydantic

from framework_m_core.controllers.controller import Documents
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import (
    AuthenticationError,
    FieldError,
    MethodNotFoundError,
    TransientError,
    ValidationError,
)
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import bounded
from framework_m_core.interfaces.reader import Lock
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.endpoints import DOC_ID, Endpoint
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.validation import field_error_of, field_errors_of
from framework_m_core.services.documents.write_pipeline import WritePipeline
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.runtime.injection import NO_INJECTION, Injector
from framework_m_core.services.runtime.retry import retry

__all__ = ["ReadyCall", "RpcService"]

_MOST_ARGUMENTS = 200
_JSON = FieldSpec("body", FieldKind.JSON)


type Finish[R] = Callable[[Any], R]
"""Converts a returned value to the response; if it raises, the call is rolled back."""


class RpcService:
    """Calls of endpoints, each in one unit of work that commits on return and rolls back on errors."""

    def __init__(
        self,
        registries: RegistryHandle,
        units: UnitOfWorkFactoryProtocol,
        pipeline: WritePipeline,
        permissions: PermissionService,
        documents: DocumentService,
        injector: Injector = NO_INJECTION,
    ) -> None:
        self._registries = registries
        self._units = units
        self._pipeline = pipeline
        self._permissions = permissions
        self._documents = documents
        self._injector = injector

    async def method(self, context: RequestContext, doctype: str, name: str) -> ReadyCall:
        """Return a controller method that the caller may call; the body names the document by `doc_id`.

        Raises MethodNotFoundError (AuthenticationError if anonymous) and the errors of permissions.
        """
        context = self._registries.pin(context)
        plan: CompiledDocType | None = context.registry.doctypes.get(doctype)
        call = plan.calls.get(name) if plan is not None and plan.meta.has_api else None
        if plan is None or call is None:
            raise _unknown(context, f"{doctype}.{name}")
        await self._require(context, plan, call)
        return ReadyCall(self, context, call, plan)

    async def function(self, context: RequestContext, path: str) -> ReadyCall:
        """Return a function that the caller may call, by its declared path. Raises as `method` does."""
        context = self._registries.pin(context)
        call: Endpoint | None = context.registry.functions.get(path)
        if call is None:
            raise _unknown(context, path)
        plan = context.registry.get(call.doctype) if call.doctype is not None else None
        if plan is not None:
            await self._require(context, plan, call)
        return ReadyCall(self, context, call, plan)

    async def run[R](self, ready: ReadyCall, body: Mapping[str, Any], finish: Finish[R]) -> R:
        """Run a call, with retries. Raises ValidationError for the body, and errors of the endpoint and `finish`."""
        call, given = ready.call, dict(_bounded(body))
        ref = _reference(given.pop(DOC_ID, None)) if call.document else None
        _arguments(call, given)

        async def attempt() -> R:
            arguments = _arguments(call, copy.deepcopy(given))
            async with self._units(ready.context) as unit:
                answer = finish(await self._invoke(unit, ready, ref, arguments))
                await unit.commit()
                return answer

        return await retry(attempt, TransientError)

    async def _invoke(
        self, unit: UnitOfWorkProtocol, ready: ReadyCall, ref: UUID | str | None, arguments: Mapping[str, Any]
    ) -> Any:
        call, within = ready.call, ready.context.within(unit)
        client = self._documents.client_for(within)
        filled = {
            **{name: client if kind is Documents else within for name, kind in call.filled.items()},
            **self._injector.arguments(within, call.function),
        }
        if call.controller is None:
            return await call.function(**arguments, **filled)
        document: Any = None
        if ref is not None and ready.plan is not None:
            action = call.action or "read"
            lock: Lock | None = "change" if within.registry.actions[action].changes else None
            loaded, _ = await self._pipeline.load(unit, ready.context, ready.plan, action, ref, lock=lock)
            document = loaded.document
        controller = call.controller(document, None, within, client)
        self._injector.inject(within, controller)
        return await call.function(controller, **arguments, **filled)

    async def _require(self, context: RequestContext, plan: CompiledDocType, call: Endpoint) -> None:
        if call.action is not None:
            await self._permissions.require(context, plan, call.action)


@dataclass(frozen=True, slots=True)
class ReadyCall:
    """A call that the caller has permission for, checked before the body is read."""

    service: RpcService
    context: RequestContext
    call: Endpoint
    plan: CompiledDocType | None

    async def __call__[R](self, body: Mapping[str, Any], finish: Finish[R]) -> R:
        """Run the call with the arguments in a body. Raises as `RpcService.run` does."""
        return await self.service.run(self, body, finish)


def _unknown(context: RequestContext, name: str) -> Exception:
    if context.principal.is_anonymous:
        return AuthenticationError()
    return MethodNotFoundError(f"there is no method or function {name[:200]!r}")


def _bounded(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the body. Raises ValidationError for values that no store can hold."""
    try:
        bounded(_JSON, body)
    except (ValueError, OverflowError) as error:
        raise ValidationError("the body is not valid", [field_error_of("*", error, "out_of_bounds")]) from None
    return body


def _reference(raw: Any) -> UUID | str:
    if raw is None:
        raise ValidationError(f"expected a document's id or name as {DOC_ID}", [FieldError(DOC_ID, "required")])
    if not isinstance(raw, str) or not raw:
        problem = FieldError(DOC_ID, "wrong_type", params={"type": "reference"})
        raise ValidationError(f"{DOC_ID} is not valid", [problem])
    try:
        return UUID(raw)
    except ValueError:
        return raw


def _arguments(call: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    if len(given) > _MOST_ARGUMENTS:
        params = {"max_arguments": _MOST_ARGUMENTS, "count": len(given)}
        raise ValidationError("the arguments are not valid", [FieldError("*", "out_of_bounds", params=params)])
    try:
        model = call.arguments.model_validate(dict(given))
    except pydantic.ValidationError as error:
        raise ValidationError("the arguments are not valid", field_errors_of(error)) from None
    return {name: getattr(model, name) for name in call.arguments.model_fields}
