"""Checks of declared DocTypes; all errors are collected before any is reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from framework_m_core.domain.documents.doctype import VERSION_ATTRIBUTE
from framework_m_core.domain.documents.naming import FieldNaming, SeriesNaming
from framework_m_core.domain.documents.reserved_names import check_reserved_doctype, check_reserved_field
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec, is_indexable
from framework_m_core.domain.filters.row_scopes import check_scope
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compilation.checks.classes import format_python_type
from framework_m_core.registry.compilation.checks.list_options import check_list_options
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledDocType

__all__ = ["MAX_DOCTYPE_NAME", "MAX_FIELD_NAME", "MAX_INDEXED_TEXTS", "check_field_name", "check_name", "check_plan"]

MAX_DOCTYPE_NAME = 40
MAX_FIELD_NAME = 40
MAX_INDEXED_TEXTS = 2
"""Of the longest texts, an index entry of PostgreSQL holds so many."""

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


_NOT_IN_NAMES = frozenset({FieldKind.CHILDREN, FieldKind.CUSTOM, FieldKind.BYTES})
"""The kinds whose values a series cannot write."""


def check_plan(plan: CompiledDocType, doctypes: Mapping[str, CompiledDocType]) -> Iterator[str]:
    """Yield the errors of a compiled DocType, including those that depend on other DocTypes."""
    yield from _check_links(plan, doctypes)
    yield from _check_naming(plan)
    yield from _check_columns(plan)
    yield from _check_title(plan)
    yield from check_list_options(plan)
    yield from _check_permissions(plan)


def _check_links(plan: CompiledDocType, doctypes: Mapping[str, CompiledDocType]) -> Iterator[str]:
    yield from _check_link_fields(plan.fields, doctypes, "")
    for child in plan.children.values():
        yield from _check_link_fields(child.fields, doctypes, f"{child.field}.")
    if path := _required_circle(plan, doctypes):
        yield (
            f"field {path[0]!r}: each {plan.name} would need one before it, over {' - '.join(path)}: make one of the "
            "links optional, so that there can be a first"
        )


def _required_circle(plan: CompiledDocType, doctypes: Mapping[str, CompiledDocType]) -> list[str]:
    """Return the required links that lead from a DocType back to itself, the first without its DocType, if any."""
    paths: list[tuple[CompiledDocType, list[str]]] = [(plan, [])]
    seen = {plan.name}
    for at, path in paths:
        for name, target in _required_links(at):
            further = [*path, name if at is plan else f"{at.name}.{name}"]
            if target == plan.name:
                return further
            if target in doctypes and target not in seen:
                seen.add(target)
                paths.append((doctypes[target], further))
    return []


def _required_links(plan: CompiledDocType) -> Iterator[tuple[str, str]]:
    """Yield the links without which no document can be stored, those of rows of which there must be some too."""
    required = [
        ("", plan.fields),
        *((f"{name}.", child.fields) for name, child in plan.children.items() if _needs_rows(plan, name)),
    ]
    for where, fields in required:
        for spec in fields.values():
            if spec.link and spec.required and not spec.nullable:
                yield where + spec.name, spec.link


def _needs_rows(plan: CompiledDocType, field: str) -> bool:
    return any(getattr(one, "min_length", None) for one in find_info(plan.model, field).metadata)


def _check_link_fields(
    fields: Mapping[str, FieldSpec], doctypes: Mapping[str, CompiledDocType], where: str
) -> Iterator[str]:
    for name, spec in fields.items():
        if spec.link and spec.link not in doctypes:
            meant = did_you_mean(spec.link, doctypes) or f": expected one of {_list(doctypes)}"
            yield f"field {where + name!r} links to {spec.link!r}, which is not a DocType{meant}"
        if spec.fetch_from:
            yield from _check_fetch(spec, fields, doctypes, where)
            yield from _check_circle(spec, fields, where)


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
        kind = format_python_type(target.specs[target_field])
        yield f"field {where + spec.name!r}: a field fetched from {spec.fetch_from!r} must be '{kind} | None'"
    elif spec.link and spec.link != (target.name if target_field == "id" else target.specs[target_field].link):
        points = target.specs[target_field].link or (target.name if target_field == "id" else "no DocType")
        yield f"field {where + spec.name!r} links to {spec.link}, but {spec.fetch_from!r} to {points}"
    else:
        yield from _check_secrecy(spec, target.specs[target_field], where)


def _check_secrecy(spec: FieldSpec, source: FieldSpec, where: str) -> Iterator[str]:
    """Yield the errors of a copy that more may see than its source."""
    if source.sensitive and not spec.sensitive:
        yield f"field {where + spec.name!r}: {spec.fetch_from!r} is sensitive: set sensitive=True here, too"
    if source.permlevel > spec.permlevel:
        yield (
            f"field {where + spec.name!r}: {spec.fetch_from!r} has permlevel={source.permlevel}, so expected at least "
            f"that here, got {spec.permlevel}: set permlevel={source.permlevel}, and grant it in Meta.field_levels"
        )


def _check_circle(spec: FieldSpec, fields: Mapping[str, FieldSpec], where: str) -> Iterator[str]:
    path, at = [spec.name], spec
    while at.fetch_from:
        name = at.fetch_from.partition(".")[0]
        if name not in fields:
            return
        path.append(name)
        if name in path[:-1]:
            yield f"field {where + spec.name!r}: it is fetched over itself, {' - '.join(path)}: set one of the links"
            return
        at = fields[name]


def _storage(spec: FieldSpec) -> tuple[object, ...]:
    return spec.kind, spec.scale, spec.field_type


def _check_naming(plan: CompiledDocType) -> Iterator[str]:
    meta = plan.meta
    if "allow_rename" in meta.model_fields_set and meta.naming is None and not meta.is_child_table:
        yield "Meta.allow_rename has no effect, as documents without naming are named by their id: remove it"
    match plan.naming:
        case FieldNaming(field):
            spec = plan.fields.get(field)
            if spec is None or not _is_name(spec):
                names = _list(name for name, one in plan.fields.items() if _is_name(one))
                yield f"Meta.naming reads {field!r}: expected a text field that is never null, one of {names}"
            yield from _check_named_by(plan, field)
        case _ if plan.meta.rename_with_field:
            yield "Meta.rename_with_field has no effect without naming = 'field:<name>': remove it"
    match plan.naming:
        case SeriesNaming() as series:
            for field in series.fields:
                if field not in plan.fields or plan.fields[field].kind in _NOT_IN_NAMES:
                    names = _list(name for name, one in plan.fields.items() if one.kind not in _NOT_IN_NAMES)
                    yield f"Meta.naming reads {field!r}: expected one of {names}"
                yield from _check_named_by(plan, field)
            for text in series.texts:
                if text in plan.fields:
                    meant = str(plan.meta.naming).replace(f".{text}.", f".{{{text}}}.")
                    yield f"Meta.naming would take {text!r} literally, which is a field: did you mean {meant!r}?"


def _check_title(plan: CompiledDocType) -> Iterator[str]:
    title = plan.meta.title_field
    spec = plan.fields.get(title or "")
    if title is not None and (spec is None or spec.kind is not FieldKind.TEXT or spec.sensitive):
        names = _list(name for name, one in plan.fields.items() if one.kind is FieldKind.TEXT and not one.sensitive)
        yield f"Meta.title_field={title!r}: expected a text field that is not sensitive, one of {names or 'none'}"


def _is_name(spec: FieldSpec) -> bool:
    return spec.kind is FieldKind.TEXT and not spec.nullable and not spec.enum


def _check_named_by(plan: CompiledDocType, field: str) -> Iterator[str]:
    spec = plan.fields.get(field)
    if spec is not None and (spec.read_only or spec.fetch_from):
        kind = "fetched" if spec.fetch_from else "read-only"
        yield f"Meta.naming reads {field!r}: expected a field that is set on create, got a {kind} one"
    if spec is not None and (spec.sensitive or spec.permlevel):
        kind = "a sensitive one" if spec.sensitive else f"one with permlevel={spec.permlevel}"
        yield f"Meta.naming reads {field!r}: expected a field that all who see the name may see, got {kind}"


def _check_columns(plan: CompiledDocType) -> Iterator[str]:
    for option in ("indexes", "unique_together"):
        for columns in getattr(plan.meta, option):
            for column in columns:
                if column not in plan.columns or not is_indexable(plan.specs[column]):
                    scalars = _list(name for name in plan.columns if is_indexable(plan.specs[name]))
                    yield f"Meta.{option} names {column!r}: expected a scalar field, one of {scalars}"
            texts = [column for column in columns if column in plan.indexed_text]
            if len(texts) > MAX_INDEXED_TEXTS:
                yield f"Meta.{option}: expected at most {MAX_INDEXED_TEXTS} texts in an index, got {_list(texts)}"


def _check_permissions(plan: CompiledDocType) -> Iterator[str]:
    meta = plan.meta
    if meta.rls_field and meta.rls_field not in plan.columns:
        yield f"Meta.rls_field={meta.rls_field!r} is not a field: expected one of {_list(plan.columns)}"
    for action in meta.permissions or {}:
        if action in {"submit", "cancel", "amend"} and not meta.submittable:
            yield f"Meta.permissions grants {action!r}, but Meta.submittable is not set"
        for role, scope in meta.scopes_of(action).items():
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
    for error in check_scope(scope, plan.column_specs):
        yield f"the scope of {role!r} for {action!r} {error}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
