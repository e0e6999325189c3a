"""Checks of declared DocTypes; all errors are collected before any is reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from framework_m_core.domain.documents.doctype import VERSION_ATTRIBUTE
from framework_m_core.domain.documents.naming import FieldNaming, SeriesNaming
from framework_m_core.domain.documents.reserved_names import check_reserved_doctype, check_reserved_field
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec, is_indexable
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.domain.row_scopes import scope_problems
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledDocType

__all__ = ["MAX_DOCTYPE_NAME", "MAX_FIELD_NAME", "check_field_name", "check_name", "check_plan"]

MAX_DOCTYPE_NAME = 40
MAX_FIELD_NAME = 40
_DOCTYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_name(name: str) -> Iterator[str]:
    """Yield the errors in a DocType's name."""
    if not _DOCTYPE_NAME.fullmatch(name) or len(name) > MAX_DOCTYPE_NAME:
        yield f"expected a name in PascalCase of at most {MAX_DOCTYPE_NAME} letters and digits, got {name!r}"
    yield from check_reserved_doctype(name)


def check_field_name(name: str) -> Iterator[str]:
    """Yield the errors in a field's name."""
    if not _FIELD_NAME.fullmatch(name) or len(name) > MAX_FIELD_NAME or "__" in name or name.endswith("_"):
        yield f"field {name!r}: expected snake_case of at most {MAX_FIELD_NAME} characters, without '__'"
    if name in FRAMEWORK_SPECS or name in {VERSION_ATTRIBUTE, "parent", "idx"}:
        yield f"field {name!r} is a framework field: choose another name"
    yield from check_reserved_field(name)


_UNNAMED = frozenset({FieldKind.CHILDREN, FieldKind.CUSTOM, FieldKind.BYTES})
"""The kinds whose values a series cannot write."""


def check_plan(plan: CompiledDocType, doctypes: Mapping[str, CompiledDocType]) -> Iterator[str]:
    """Yield the errors of a compiled DocType, including those that depend on other DocTypes."""
    yield from _check_child_table(plan)
    yield from _check_links(plan, doctypes)
    yield from _check_naming(plan)
    yield from _check_columns(plan)
    yield from _check_permissions(plan)


def _check_child_table(plan: CompiledDocType) -> Iterator[str]:
    """Yield an error for each option that a child table cannot have, as it has no documents of its own."""
    if not plan.meta.is_child_table:
        return
    for option in ("permissions", "naming", "submittable", "indexes", "unique_together", "api_resource"):
        if getattr(plan.meta, option):
            yield f"Meta.{option}: a child table is stored, named and protected with its parent: remove the option"


def _check_links(plan: CompiledDocType, doctypes: Mapping[str, CompiledDocType]) -> Iterator[str]:
    yield from _check_link_fields(plan.fields, doctypes, "")
    for child in plan.children.values():
        yield from _check_link_fields(child.fields, doctypes, f"{child.field}.")


def _check_link_fields(
    fields: Mapping[str, FieldSpec], doctypes: Mapping[str, CompiledDocType], where: str
) -> Iterator[str]:
    for name, spec in fields.items():
        if spec.link and spec.link not in doctypes:
            meant = did_you_mean(spec.link, doctypes) or f": expected one of {_list(doctypes)}"
            yield f"field {where + name!r} links to {spec.link!r}, which is not a DocType{meant}"
        if spec.fetch_from:
            yield from _check_fetch(spec, fields, doctypes, where)


def _check_fetch(
    spec: FieldSpec, fields: Mapping[str, FieldSpec], doctypes: Mapping[str, CompiledDocType], where: str
) -> Iterator[str]:
    link, _, target_field = (spec.fetch_from or "").partition(".")
    target = doctypes.get((fields[link].link or "") if link in fields else "")
    if target is None:
        yield f"field {where + spec.name!r}: fetch_from={spec.fetch_from!r} does not begin with a link field"
    elif target_field not in target.columns:
        yield f"field {where + spec.name!r}: {target.name} has no field {target_field!r} to fetch"
    elif not spec.nullable or _storage(target.specs[target_field]) != _storage(spec):
        fetched = target.specs[target_field]
        kind = fetched.field_type.python_type.__name__ if fetched.field_type else fetched.kind
        yield f"field {where + spec.name!r}: a field fetched from {spec.fetch_from!r} must be '{kind} | None'"


def _storage(spec: FieldSpec) -> tuple[object, ...]:
    return spec.kind, spec.scale, spec.field_type


def _check_naming(plan: CompiledDocType) -> Iterator[str]:
    match plan.naming:
        case FieldNaming(field):
            spec = plan.fields.get(field)
            if spec is None or not _is_name(spec):
                names = _list(name for name, one in plan.fields.items() if _is_name(one))
                yield f"Meta.naming reads {field!r}: expected a text field that is never null, one of {names}"
            yield from _check_named_by(plan, field)
        case SeriesNaming() as series:
            for field in series.fields:
                if field not in plan.fields or plan.fields[field].kind in _UNNAMED:
                    names = _list(name for name, one in plan.fields.items() if one.kind not in _UNNAMED)
                    yield f"Meta.naming reads {field!r}: expected one of {names}"
                yield from _check_named_by(plan, field)


def _is_name(spec: FieldSpec) -> bool:
    return spec.kind is FieldKind.TEXT and not spec.nullable


def _check_named_by(plan: CompiledDocType, field: str) -> Iterator[str]:
    spec = plan.fields.get(field)
    if spec is not None and (spec.read_only or spec.fetch_from):
        kind = "fetched" if spec.fetch_from else "read-only"
        yield f"Meta.naming reads {field!r}: expected a field that is set on create, got a {kind} one"


def _check_columns(plan: CompiledDocType) -> Iterator[str]:
    for option in ("indexes", "unique_together"):
        for columns in getattr(plan.meta, option):
            for column in columns:
                if column not in plan.columns or not is_indexable(plan.specs[column]):
                    scalars = _list(name for name in plan.columns if is_indexable(plan.specs[name]))
                    yield f"Meta.{option} names {column!r}: expected a scalar field, one of {scalars}"


def _check_permissions(plan: CompiledDocType) -> Iterator[str]:
    meta = plan.meta
    if meta.rls_field and meta.rls_field not in plan.columns:
        yield f"Meta.rls_field={meta.rls_field!r} is not a field: expected one of {_list(plan.columns)}"
    for action in meta.permissions or {}:
        if action in {"submit", "cancel"} and not meta.submittable:
            yield f"Meta.permissions grants {action!r}, but Meta.submittable is not set"
        for role, scope in meta.scopes(action).items():
            if scope == "own" and meta.rls_field is None:
                yield f"the scope of {role!r} for {action!r} is 'own', but Meta.rls_field is None"
            elif scope == "own" and meta.rls_field in plan.columns:
                own = Comparison(meta.rls_field, "in", UserAttribute(meta.rls_field))
                yield from _check_scope(plan, action, role, own)
            if isinstance(scope, (And, Or, Not, Comparison)):
                yield from _check_scope(plan, action, role, scope)
    levels = {spec.permlevel for spec in plan.fields.values()} - {0}
    for level in sorted(levels - set(meta.field_levels)):
        yield f"permlevel={level} is used, but Meta.field_levels does not grant it to any role"
    for level in sorted(set(meta.field_levels) - levels):
        yield f"Meta.field_levels lists level {level}, which no field uses"


def _check_scope(plan: CompiledDocType, action: str, role: str, scope: Filter) -> Iterator[str]:
    for problem in scope_problems(scope, plan.column_specs):
        yield f"the scope of {role!r} for {action!r} {problem}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
