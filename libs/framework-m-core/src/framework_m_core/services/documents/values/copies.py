"""Copies of documents: what a new document takes of another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework_m_core.domain.documents.naming import FieldNaming
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["copy_values"]


def copy_values(plan: CompiledDocType, writable: frozenset[str], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a copy of a served document, with the fields that its caller may set on create.

    Fields that are `no_copy` are left out, and so are those whose values no two documents share. Rows have no ids, so
    they are new.
    """
    body: dict[str, Any] = {}
    for name, spec in plan.fields.items():
        if name not in document or name not in writable or spec.no_copy or spec.unique or _names(plan, name):
            continue
        child = plan.children.get(name)
        if child is None:
            body[name] = document[name]
            continue
        columns = [column for column, of in child.fields.items() if f"{name}.{column}" in writable and not of.no_copy]
        body[name] = [{column: row[column] for column in columns if column in row} for row in document[name]]
    return body


def _names(plan: CompiledDocType, field: str) -> bool:
    return isinstance(plan.naming, FieldNaming) and plan.naming.field == field
