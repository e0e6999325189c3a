"""Conversion of stored values by field name to a document model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from framework_m_core.domain.documents.doctype import DocStatus, construct
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["build_document", "convert_to_attributes"]


def convert_to_attributes(plan: CompiledDocType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored values by attribute name, as model constructors take them; containers are copied.

    A stored value that is no longer a member of its enum is returned unchanged.
    """
    attributes = {attribute: values[name] for name, attribute in zip(plan.columns, plan.attributes, strict=True)}
    for name in plan.converted:
        attributes[name] = _member(plan.fields[name], values[name])
    attributes["docstatus"] = DocStatus(values["docstatus"])
    for name, child in plan.children.items():
        attributes[name] = [
            {column: _member(child.fields[column], row[column]) if column != "id" else row["id"] for column in row}
            for row in values[name]
        ]
    return attributes


def _member(spec: FieldSpec, value: Any) -> Any:
    if spec.kind is FieldKind.JSON:
        return copy.deepcopy(value)
    if spec.enum is None or value is None:
        return value
    try:
        return spec.enum(value)
    except ValueError:  # an old value, whose member is gone
        return value


def build_document(plan: CompiledDocType, values: Mapping[str, Any]) -> BaseModel:
    """Build a document model from stored values without validating; containers are copied."""
    attributes = convert_to_attributes(plan, values)
    for name, child in plan.children.items():
        attributes[name] = [_row(child.model, row) for row in attributes[name]]
    return construct(plan.model, attributes)


def _row(model: type[BaseModel], row: Mapping[str, Any]) -> BaseModel:
    defaults: Callable[[], dict[str, Any]] = getattr(model, "framework_defaults", dict)
    return construct(model, {**defaults(), **row})
