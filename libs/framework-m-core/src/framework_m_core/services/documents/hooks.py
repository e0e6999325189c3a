"""`HookRun`: runs a controller's hooks around one write and restores what they must not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pydantic
from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, UNSAVED_ID, attribute_of
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.validation import revalidate
from framework_m_core.services.runtime.injection import Injector

__all__ = ["Door", "HookRun", "kept_attributes"]

type Door = Callable[[RequestContext], DocumentClient]
"""Makes the document client of a context."""

_KEPT = tuple(attribute_of(name) for name in FRAMEWORK_FIELDS if name != "owner")
"""Framework attributes that hooks cannot change: all except the owner."""


class HookRun:
    """The hooks of one write of one document."""

    def __init__(
        self,
        plan: CompiledDocType,
        document: BaseModel,
        previous: BaseModel | None,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        door: Door,
        injector: Injector,
    ) -> None:
        self._plan = plan
        self._controller: Controller[Any] | None = None
        self._documents: DocumentClient | None = None
        if plan.controller and plan.hooks:
            within = context.within(unit)
            self._documents = door(within)
            self._controller = plan.controller(document, previous, within, self._documents)
            injector.inject(within, self._controller)

    def defines(self, *hooks: str) -> bool:
        """Return whether the controller defines any of these hooks."""
        return not self._plan.hooks.isdisjoint(hooks)

    @property
    def wrote(self) -> bool:
        """Whether hooks have written documents through their client."""
        return self._documents is not None and self._documents.wrote

    async def run(self, *hooks: str) -> None:
        """Run those of the hooks that are defined, in the given order."""
        for hook in hooks:
            if hook in self._plan.hooks:
                await self._call(hook)

    async def _call(self, hook: str) -> None:
        try:
            await getattr(self._controller, hook)()
        except pydantic.ValidationError as error:
            problems = [FieldError(".".join(map(str, f["loc"])), f["type"], f["msg"]) for f in error.errors()]
            raise ValidationError(f"{self._plan.name}.{hook} set a value that is not valid", problems) from error

    def settle(self, document: BaseModel, kept: Mapping[str, Any], ids: IdGenerator) -> BaseModel:
        """Return the document after its hooks: framework fields restored, new rows given ids, all revalidated."""
        if self._controller is None:
            return document
        changed: BaseModel = self._controller.doc
        vars(changed).update(kept)
        for child in self._plan.children.values():
            rows = _rows(child, getattr(changed, child.field))
            vars(changed)[child.field] = rows
            _identify(child.field, rows, ids)
        self._controller.doc = settled = revalidate(self._plan, changed)
        return settled


def kept_attributes(document: BaseModel) -> dict[str, Any]:
    """Return the framework attributes of a document that its hooks cannot change."""
    return {name: document.__dict__[name] for name in _KEPT}


def _rows(child: CompiledChildTable, rows: Any) -> list[Any]:
    """Return the rows that hooks left, converting those of the declared class to the overridden one."""
    if isinstance(rows, list) and all(isinstance(row, child.declared) for row in rows):
        return [row if isinstance(row, child.model) else child.model.model_validate(vars(row)) for row in rows]
    message = f"a hook put something else here than a list of {child.doctype}"
    raise ValidationError("the document is not valid", [FieldError(child.field, "wrong_type", message)])


def _identify(field: str, rows: list[Any], ids: IdGenerator) -> None:
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if row.id == UNSAVED_ID:
            row.__dict__["id"] = ids()
        if (key := str(row.id)) in seen:
            problem = FieldError(f"{field}.{place}.id", "unknown_row", "a hook listed one row twice")
            raise ValidationError("the document is not valid", [problem])
        seen.add(key)
