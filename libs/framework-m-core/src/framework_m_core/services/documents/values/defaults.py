"""Defaults that depend on the context: those of new documents and of new rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import UNSAVED_ID
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["fill_added_rows", "fill_defaults", "fill_new_rows"]


def fill_defaults(context: RequestContext, plan: CompiledDocType, values: dict[str, Any]) -> None:
    """Add the dynamic defaults of a new document and of its rows to the values that a body gives."""
    _fill(context, plan.dynamic_defaults.get("", ()), values)
    fill_new_rows(context, plan, values)


def fill_new_rows(context: RequestContext, plan: CompiledDocType, values: Mapping[str, Any]) -> None:
    """Add the dynamic defaults to those rows of a body that have no id yet."""
    for field in plan.dynamic_defaults.keys() & plan.children.keys() & values.keys():
        for row in values[field]:
            if "id" not in row:
                _fill(context, plan.dynamic_defaults[field], row)


def fill_added_rows(context: RequestContext, plan: CompiledDocType, document: BaseModel) -> None:
    """Set the dynamic defaults of rows that code of an app has added without giving these fields."""
    for field in plan.dynamic_defaults.keys() & plan.children.keys():
        rows = vars(document)[field]
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, BaseModel) and getattr(row, "id", None) == UNSAVED_ID:
                wanted = [spec for spec in plan.dynamic_defaults[field] if spec.name not in row.model_fields_set]
                _fill(context, wanted, vars(row), overwriting=True)


def _fill(
    context: RequestContext, specs: Iterable[FieldSpec], values: dict[str, Any], *, overwriting: bool = False
) -> None:
    for spec in specs:
        if spec.dynamic_default is not None and (overwriting or spec.name not in values):
            values[spec.name] = spec.dynamic_default.evaluate(context, spec.kind)
