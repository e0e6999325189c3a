"""Runs a controller's hooks around one write and restores what they, and declared stages, must not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pydantic
from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, UNSAVED_ID, attribute_of
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.validation import field_errors_of, revalidate
from framework_m_core.services.runtime.injection import Injector

__all__ = ["HookRun", "kept_attributes", "refuse_invalid", "settle"]

_KEPT = tuple(attribute_of(name) for name in FRAMEWORK_FIELDS if name != "owner")
"""Framework attributes that hooks cannot change: all except the owner."""


class HookRun:
    """The hooks of one write of one document."""

    def __init__(
        self,
        plan: CompiledDocType,
        document: BaseModel,
        previous: BaseModel | None,
        context: RequestContext,
        documents: DocumentClient,
        injector: Injector,
    ) -> None:
        self._plan = plan
        controller: type[Controller[Any]] = plan.controller  # type: ignore[assignment] # it defines the hooks
        self._controller = controller(document, previous, context, documents)
        injector.inject(context, self._controller)

    @property
    def document(self) -> BaseModel:
        """The document as the hooks leave it."""
        document: BaseModel = self._controller.doc
        return document

    @document.setter
    def document(self, document: BaseModel) -> None:
        self._controller.doc = document

    async def run(self, *hooks: str) -> None:
        """Run those of the hooks that are defined, in the given order."""
        for hook in hooks:
            if hook in self._plan.hooks:
                await self._call(hook)

    async def _call(self, hook: str) -> None:
        with refuse_invalid(f"{self._plan.name}.{hook}"):
            await getattr(self._controller, hook)()


@contextmanager
def refuse_invalid(where: str) -> Iterator[None]:
    """Raise ValidationError, naming `where`, for a value that the block sets and pydantic refuses."""
    try:
        yield
    except pydantic.ValidationError as error:
        raise ValidationError(f"{where} set a value that is not valid", field_errors_of(error)) from error


def settle(plan: CompiledDocType, changed: BaseModel, kept: Mapping[str, Any], ids: IdGenerator) -> BaseModel:
    """Return a document after its hooks: framework fields restored, new rows given ids, all revalidated."""
    vars(changed).update(kept)
    for child in plan.children.values():
        rows = _rows(child, getattr(changed, child.field))
        vars(changed)[child.field] = rows
        _identify(child.field, rows, ids)
    return revalidate(plan, changed)


def kept_attributes(document: BaseModel) -> dict[str, Any]:
    """Return the framework attributes of a document that its hooks cannot change."""
    return {name: document.__dict__[name] for name in _KEPT}


def _rows(child: CompiledChildTable, rows: Any) -> list[Any]:
    """Return the rows that hooks left, converting those of the declared class to the overridden one."""
    if isinstance(rows, list) and all(isinstance(row, child.declared) for row in rows):
        return [row if isinstance(row, child.model) else child.model.model_validate(vars(row)) for row in rows]
    problem = FieldError(child.field, "wrong_type", params={"doctype": child.doctype})
    raise ValidationError("a hook left rows that are not valid", [problem])


def _identify(field: str, rows: list[Any], ids: IdGenerator) -> None:
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if row.id == UNSAVED_ID:
            row.__dict__["id"] = ids()
        if (key := str(row.id)) in seen:
            raise ValidationError("a hook listed one row twice", [FieldError(f"{field}.{place}.id", "duplicate_row")])
        seen.add(key)
