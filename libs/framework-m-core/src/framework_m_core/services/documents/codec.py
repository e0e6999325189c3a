"""Conversion of stored values by field name to a document model, which computes some of them itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from framework_m_core.domain.documents.doctype import DocStatus, construct
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.hash_keys import hash_key
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType

__all__ = ["build_document", "convert_to_attributes", "hold_computed", "without_computed"]


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


def without_computed(plan: CompiledDocType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a document, and of its rows, that are not computed: those that its class takes."""
    given = {name: value for name, value in values.items() if name not in plan.computed.specs}
    for field, child in plan.children.items():
        if child.computed.specs and field in given:
            given[field] = [_without(child, row) for row in given[field]]
    return given


def _without(child: CompiledChildTable, row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    return {name: value for name, value in row.items() if name not in child.computed.specs}


def hold_computed(plan: CompiledDocType, document: BaseModel, stored: Mapping[str, Any]) -> None:
    """Set the computed fields that the status fixes to their stored values, and the others to null until computed."""
    status: DocStatus = vars(document)["docstatus"]
    is_fixed = bool(stored) and stored["docstatus"] != DocStatus.DRAFT
    is_closed = is_fixed and status != DocStatus.SUBMITTED
    _hold(plan, document, stored if is_fixed else {}, is_closed=is_closed)
    for field, child in plan.children.items():
        if not child.computed.specs:
            continue
        known = {hash_key(row["id"]): row for row in stored[field]} if is_fixed else {}
        for row in vars(document)[field]:
            before = known.get(hash_key(vars(row)["id"]), {}) if known else {}
            _hold(child, row, before, is_closed=is_closed)


def _hold(
    table: CompiledDocType | CompiledChildTable, document: BaseModel, stored: Mapping[str, Any], *, is_closed: bool
) -> None:
    for name, spec in table.computed.specs.items():
        is_kept = name in stored and (is_closed or not spec.allow_on_submit)
        vars(document)[name] = _member(spec, stored[name]) if is_kept else None
        (document.model_fields_set.add if is_kept else document.model_fields_set.discard)(name)
