"""`RpcService`: calls what apps have declared callable, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pydantic

from framework_m_core.controllers.controller import Documents
from framework_m_core.domain.errors import (
    AuthenticationError,
    CallNotFoundError,
    FieldProblem,
    TransientError,
    ValidationError,
)
from framework_m_core.domain.scope import RequestScope
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.calls import DOC_ID, CallPlan
from framework_m_core.registry.plans import DocTypePlan
from framework_m_core.registry.snapshot import Snapshot
from framework_m_core.services.documents import DocumentService
from framework_m_core.services.equipment import NO_EQUIPMENT, Equipment
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.retries import retrying
from framework_m_core.services.validation import fault_list
from framework_m_core.services.write_pipeline import WritePipeline

__all__ = ["RpcService"]


class RpcService:
    """Each call runs in one unit of work, which is committed when it returns and undone when it raises."""

    def __init__(
        self,
        snapshot: Snapshot,
        units: UnitOfWorkFactoryProtocol,
        pipeline: WritePipeline,
        permissions: PermissionService,
        documents: DocumentService,
        equipment: Equipment = NO_EQUIPMENT,
    ) -> None:
        self._snapshot = snapshot
        self._units = units
        self._pipeline = pipeline
        self._permissions = permissions
        self._documents = documents
        self._equipment = equipment

    async def method(self, scope: RequestScope, doctype: str, name: str, body: Mapping[str, Any]) -> Any:
        """Calls a method of a controller; `doc_id` in the body names the document.

        Raises CallNotFoundError, the errors of permissions, ValidationError for arguments, and what the method raises.
        """
        plan = self._snapshot.doctypes.get(doctype)
        call = plan.calls.get(name) if plan is not None and plan.meta.has_api else None
        if plan is None or call is None:
            raise _unknown(scope, f"{doctype}.{name}")
        await self._require(scope, plan, call)
        given = dict(body)
        ref = _reference(given.pop(DOC_ID, None))
        arguments = _arguments(call, given)
        return await self._run(scope, lambda unit: self._method(unit, scope, plan, call, ref, arguments))

    async def function(self, scope: RequestScope, path: str, body: Mapping[str, Any]) -> Any:
        """Calls a function by its declared path. Raises as `method` does."""
        call = self._snapshot.functions.get(path)
        if call is None:
            raise _unknown(scope, path)
        if call.doctype is not None:
            await self._require(scope, self._snapshot.get(call.doctype), call)
        arguments = _arguments(call, body)

        async def work(unit: UnitOfWorkProtocol) -> Any:
            within = scope.within(unit)
            door = self._documents.scoped(within)
            filled = {name: door if kind is Documents else within for name, kind in call.filled.items()}
            return await call.function(**arguments, **filled, **self._equipment.arguments(call.function))

        return await self._run(scope, work)

    async def _method(
        self,
        unit: UnitOfWorkProtocol,
        scope: RequestScope,
        plan: DocTypePlan,
        call: CallPlan,
        ref: UUID | str | None,
        arguments: Mapping[str, Any],
    ) -> Any:
        document: Any = None
        if ref is not None:
            loaded, _ = await self._pipeline.load(unit, scope, plan, call.action or "read", ref)
            document = loaded.document
        within = scope.within(unit)
        door = self._documents.scoped(within)
        assert call.controller is not None  # noqa: S101 - its methods are what is called
        controller = call.controller(document, None, within, door)
        self._equipment.equip(controller)
        filled = {name: door if kind is Documents else within for name, kind in call.filled.items()}
        return await call.function(controller, **arguments, **filled, **self._equipment.arguments(call.function))

    async def _require(self, scope: RequestScope, plan: DocTypePlan, call: CallPlan) -> None:
        if call.action is not None:
            await self._permissions.require(scope, plan, call.action)

    async def _run(self, scope: RequestScope, work: Any) -> Any:
        async def attempt() -> Any:
            async with self._units(scope) as unit:
                result = await work(unit)
                await unit.commit()
                return result

        return await retrying(attempt, TransientError)


def _unknown(scope: RequestScope, name: str) -> Exception:
    if scope.principal.is_anonymous:
        return AuthenticationError()
    return CallNotFoundError(f"nothing callable is declared as {name[:200]!r}")


def _reference(raw: Any) -> UUID | str | None:
    if raw is None:
        return None
    if not isinstance(raw, str) or not raw:
        raise ValidationError("bad doc_id", [FieldProblem(DOC_ID, "wrong_type", "an id or a name is expected")])
    try:
        return UUID(raw)
    except ValueError:
        return raw


def _arguments(call: CallPlan, given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        model = call.arguments.model_validate(dict(given))
    except pydantic.ValidationError as error:
        raise ValidationError("the arguments are not valid", fault_list(error)) from None
    return {name: getattr(model, name) for name in call.arguments.model_fields}
