"""Compilation of plain declarations as the classes that an app would declare."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_testing.fakes.doctype import FakeDocType
from tests.permission_proof.declared import (
    CallerValue,
    Declared,
    DeclaredDocType,
    DeclaredField,
    Level,
    Scope,
    Tree,
)

__all__ = ["compiled", "filter_of"]

_TYPES: Final[Mapping[str, Any]] = {
    "text": str,
    "integer": int,
    "decimal": Decimal,
    "boolean": bool,
    "date": date,
    "link": UUID,
}
_SCALE = 2


def compiled(declared: Declared, base: type[BaseModel] = FakeDocType) -> Registry:
    """Return a registry of the declarations, as classes derived from `base`."""
    builder = RegistryBuilder()
    for doctype in declared.values():
        children = {one.name: _class(one.rows, {}, base) for one in doctype.fields if one.rows}
        for child in children.values():
            builder.add_doctype(child, "proof")
        builder.add_doctype(_class(doctype, children, base), "proof")
    return builder.freeze()


def filter_of(tree: Tree) -> Filter:
    """Return the filter of a scope's tree."""
    if "and" in tree:
        return And(tuple(filter_of(part) for part in tree["and"]))
    if "or" in tree:
        return Or(tuple(filter_of(part) for part in tree["or"]))
    if "not" in tree:
        return Not(filter_of(tree["not"]))
    value = tree["value"]
    if isinstance(value, CallerValue):
        return Comparison(tree["field"], tree["operator"], UserAttribute(value.name))
    return Comparison(tree["field"], tree["operator"], tuple(value) if isinstance(value, list) else value)


def _class(doctype: DeclaredDocType, children: Mapping[str, type], base: type[BaseModel]) -> type[BaseModel]:
    declared = [one for one in doctype.fields if not one.is_framework]
    annotations = {one.name: _annotation(one, children) for one in declared}
    members = {one.name: _field(one) for one in declared}
    body = {**members, "__annotations__": annotations, "__module__": __name__}
    made = types.new_class(doctype.name, (base,), {}, lambda namespace: namespace.update(body))
    made.Meta = _meta(doctype)  # type: ignore[attr-defined] # pydantic takes a class made elsewhere for a field
    return made


def _annotation(field: DeclaredField, children: Mapping[str, type]) -> Any:
    if field.rows:
        return types.GenericAlias(list, (children[field.name],))
    return _TYPES[field.kind] | None if field.nullable else _TYPES[field.kind]


def _field(field: DeclaredField) -> Any:
    return Field(
        default=[] if field.rows else field.default,
        permlevel=field.level,
        read_only=field.read_only,
        allow_on_submit=field.on_submit,
        link=field.link,
        fetch_from=field.fetch,
        scale=_SCALE if field.kind == "decimal" else None,
    )


def _meta(doctype: DeclaredDocType) -> type:
    options: dict[str, Any] = {"field_levels": {number: _level(one) for number, one in doctype.levels.items()}}
    if doctype.is_child:
        options["is_child_table"] = True
    else:
        options.update(rls_field=doctype.rls_field, submittable=doctype.submittable)
        if doctype.permissions is not None:
            options["permissions"] = {name: _roles(roles) for name, roles in doctype.permissions.items()}
    return type("Meta", (), options)


def _level(level: Level) -> dict[str, Any]:
    return {"read": level.read, "write": level.write}


def _roles(roles: tuple[str, ...] | Mapping[str, Scope]) -> Any:
    if not isinstance(roles, Mapping):
        return list(roles)
    return {role: scope if isinstance(scope, str) else filter_of(scope) for role, scope in roles.items()}
