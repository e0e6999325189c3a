"""Runs a controller's hooks around one write and restores what they, and declared stages, must not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import new_class
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import AMENDED_FROM, FRAMEWORK_FIELDS, UNSAVED_ID, attribute_of
from framework_m_core.domain.documents.naming import FieldNaming
from framework_m_core.domain.errors import ControllerError, FieldError, ValidationError
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.changes import compare_values
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.links import clear_stale_fetches
from framework_m_core.services.documents.naming import normalize_naming_field
from framework_m_core.services.documents.validation import dump_document, field_errors_of, revalidate
from framework_m_core.services.runtime.injection import Injector
from framework_m_core.services.runtime.lookups import refuse_failed_lookups

__all__ = [
    "HookRun",
    "complete_draft",
    "copy_frozen",
    "framework_attributes_of",
    "freeze",
    "freeze_classes",
    "refuse_changes",
    "refuse_invalid",
]

_PROTECTED = (*(attribute_of(name) for name in FRAMEWORK_FIELDS if name != "owner"), AMENDED_FROM)
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
        where = f"{self._plan.name}.{hook}"
        with refuse_invalid(where), refuse_failed_lookups(where):
            await getattr(self._controller, hook)()


class _Frozen:
    """Mixed into the class of a document that is not stored again."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise _too_late(f"{type(self).__name__}.{name}")

    def __delattr__(self, name: str) -> None:
        raise _too_late(f"{type(self).__name__}.{name}")


def freeze_classes(plan: CompiledDocType) -> Mapping[str, type[BaseModel]]:
    """Return the classes of documents, under "", and of rows by field, whose attributes cannot be assigned."""
    models = {"": plan.model, **{name: child.model for name, child in plan.children.items()}}
    body = {"model_config": ConfigDict(defer_build=True)}
    return {
        name: new_class(model.__name__, (_Frozen, model), {}, lambda namespace: namespace.update(body))
        for name, model in models.items()
    }


def freeze(document: BaseModel, classes: Mapping[str, type[BaseModel]]) -> None:
    """Make assignments to a document and its rows raise, as they would be lost."""
    for name in classes.keys() - {""}:
        for row in vars(document)[name]:
            object.__setattr__(row, "__class__", classes[name])
    object.__setattr__(document, "__class__", classes[""])


def copy_frozen(document: BaseModel, classes: Mapping[str, type[BaseModel]]) -> BaseModel:
    """Return a copy of a document to which assignments raise."""
    copied = document.model_copy(deep=True)
    freeze(copied, classes)
    return copied


def refuse_changes(plan: CompiledDocType, stored: Mapping[str, Any], document: BaseModel) -> None:
    """Raise ControllerError if hooks have changed lists or objects within a document after it was stored."""
    if changed := compare_values(plan, stored, dump_document(plan, document)):
        raise _too_late(f"{plan.name}: {', '.join(sorted(changed))}")


def _too_late(what: str) -> ControllerError:
    return ControllerError(
        f"{what} was changed where its changes are not stored: change it in validate, before_save, on_submit or "
        "on_cancel, or by self.documents.update"
    )


@contextmanager
def refuse_invalid(where: str) -> Iterator[None]:
    """Raise ValidationError, naming `where`, for a value that the block sets and pydantic refuses."""
    try:
        yield
    except pydantic.ValidationError as error:
        raise ValidationError(f"{where} set a value that is not valid", field_errors_of(error)) from error


def complete_draft(
    plan: CompiledDocType,
    changed: BaseModel,
    kept: Mapping[str, Any],
    ids: IdGenerator,
    before: Mapping[str, Any],
    stored: Mapping[str, Any],
) -> BaseModel:
    """Return a document after its hooks: framework fields restored, new rows given ids, all revalidated.

    What was fetched over links that differ from `before` is emptied. What equals `stored` may be an old value.
    """
    vars(changed).update(kept)
    if isinstance(plan.naming, FieldNaming):
        normalize_naming_field(plan.naming, vars(changed))
    for child in plan.children.values():
        rows = _rows(child, getattr(changed, child.field))
        vars(changed)[child.field] = rows
        _identify(child.field, rows, ids)
    if plan.has_fetches:
        clear_stale_fetches(plan, vars(changed), before)
    return revalidate(plan, changed, stored)


def framework_attributes_of(document: BaseModel) -> dict[str, Any]:
    """Return the framework attributes of a document that its hooks cannot change."""
    values = vars(document)
    return {name: values[name] for name in _PROTECTED if name in values}


def _rows(child: CompiledChildTable, rows: Any) -> list[Any]:
    """Return the rows that hooks left, converting those of the declared class to the overridden one."""
    if isinstance(rows, list) and all(isinstance(row, child.declared) for row in rows):
        return [row if isinstance(row, child.model) else child.model.model_validate(vars(row)) for row in rows]
    error = FieldError(child.field, "wrong_type", params={"doctype": child.doctype})
    raise ValidationError("a hook left rows that are not valid", [error])


def _identify(field: str, rows: list[Any], ids: IdGenerator) -> None:
    seen: set[str] = set()
    for place, row in enumerate(rows):
        if row.id == UNSAVED_ID:
            row.__dict__["id"] = ids()
        if (key := str(row.id)) in seen:
            raise ValidationError("a hook listed one row twice", [FieldError(f"{field}.{place}.id", "duplicate_row")])
        seen.add(key)
