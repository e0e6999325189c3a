"""A registered DocType, compiled once into everything that requests need to know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, VERSION_FIELD, attribute_of
from framework_m_core.domain.documents.meta import MetaOptions
from framework_m_core.domain.documents.naming import NamingRule
from framework_m_core.domain.fields.json_form import JsonEncoders, json_encoders_of
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.filters.conditions import read_comparison
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.domain.page import OrderSpec, parse_order
from framework_m_core.registry.additions import NO_ADDITIONS, Additions
from framework_m_core.registry.computed import ComputedFields
from framework_m_core.registry.derived import DerivedValues
from framework_m_core.registry.endpoints import Endpoint

__all__ = ["BUILT_IN_APP", "FRAMEWORK_SPECS", "CompiledChildTable", "CompiledDocType"]

BUILT_IN_APP: Final = "framework_m"
"""The app that is part of the framework."""

FRAMEWORK_SPECS: Mapping[str, FieldSpec] = {
    spec.name: spec
    for spec in (
        FieldSpec("id", FieldKind.UUID),
        FieldSpec("name", FieldKind.TEXT),
        FieldSpec("owner", FieldKind.TEXT),
        FieldSpec("creation", FieldKind.DATETIME),
        FieldSpec("modified", FieldKind.DATETIME),
        FieldSpec("modified_by", FieldKind.TEXT),
        FieldSpec("docstatus", FieldKind.INTEGER),
        FieldSpec(VERSION_FIELD, FieldKind.INTEGER),
        FieldSpec("deleted_at", FieldKind.DATETIME, nullable=True),
    )
}

_UNBOUNDED = frozenset({FieldKind.UUID, FieldKind.BOOLEAN, FieldKind.CHILDREN})
_BOOKKEEPING = frozenset({"id", "creation", "modified", "modified_by", VERSION_FIELD, "deleted_at"})


@dataclass(frozen=True, eq=False)
class CompiledChildTable:
    """A child table as held by one field of one DocType."""

    field: str
    doctype: str
    model: type[BaseModel]
    meta: MetaOptions
    fields: Mapping[str, FieldSpec]
    declared: type[BaseModel]
    """The class as declared by its app, without overrides."""
    additions: Additions = NO_ADDITIONS

    def __repr__(self) -> str:
        return f"<CompiledChildTable {self.doctype} as {self.field!r}: {len(self.fields)} fields>"

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Stored and returned fields of a row, its id first."""
        return ("id", *self.fields)

    @cached_property
    def stored_columns(self) -> tuple[FieldSpec, ...]:
        """The columns of a row's table; a field of a field type may have several."""
        return (FRAMEWORK_SPECS["id"], *(column for spec in self.fields.values() for column in spec.columns))

    @cached_property
    def bounded(self) -> tuple[FieldSpec, ...]:
        """Fields whose values a store may not be able to hold."""
        return _bounded(self.fields)

    @cached_property
    def computed(self) -> ComputedFields:
        """The computed fields of a row."""
        return ComputedFields(self.model, {name: spec for name, spec in self.fields.items() if spec.computed})

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """Fields kept out of audit and events."""
        return frozenset(name for name, spec in self.fields.items() if spec.sensitive)

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Link fields and the DocTypes they point to."""
        return {name: spec.link for name, spec in self.fields.items() if spec.link}

    @cached_property
    def link_levels(self) -> tuple[Mapping[str, str], ...]:
        """Link fields and their DocTypes, first those that callers set, then those fetched over them, and so on."""
        return _link_levels(self.fields)

    @cached_property
    def fetched_over(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """For each link that fields are fetched over: their names, each with that of the target's field."""
        return _fetched_over(self.fields)

    @cached_property
    def indexed_text(self) -> tuple[str, ...]:
        """Text fields that are indexed and so must stay short."""
        return tuple(name for name, spec in self.fields.items() if spec.index and _is_free_text(spec))


@dataclass(frozen=True, eq=False)
class CompiledDocType:
    """A DocType with its fields, children, naming rule, controller and callable methods."""

    name: str
    module: str
    """The module that user interfaces show it in: `Meta.module`, or else the app."""
    app: str
    """The app that declares it, regardless of `module`."""
    model: type[BaseModel]
    meta: MetaOptions
    fields: Mapping[str, FieldSpec]
    children: Mapping[str, CompiledChildTable]
    naming: NamingRule
    controller: type[Controller[Any]] | None
    calls: Mapping[str, Endpoint] = field(default_factory=dict)
    overrides: tuple[type[BaseModel], ...] = ()
    """The override classes of other apps, in the order of their apps."""
    additions: Additions = NO_ADDITIONS
    derived: DerivedValues = field(default_factory=dict, init=False, repr=False)
    """The values computed by `Derived`."""

    def __repr__(self) -> str:
        counts = f"{len(self.fields)} fields, {len(self.children)} child tables"
        return f"<CompiledDocType {self.name} of {self.app!r}: {counts}>"

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Fields that are columns of the document's own table, framework fields first."""
        return (*FRAMEWORK_FIELDS, *(name for name, spec in self.fields.items() if spec.is_scalar))

    @cached_property
    def stored_columns(self) -> tuple[FieldSpec, ...]:
        """The columns of the document's table; a field of a field type may have several."""
        return tuple(column for name in self.columns for column in self.specs[name].columns)

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """Fields compared between two versions of a document: all except the bookkeeping of writes."""
        return tuple(name for name in (*self.columns, *self.children) if name not in _BOOKKEEPING)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The Python attributes of the columns, in their order."""
        return tuple(attribute_of(name) for name in self.columns)

    @cached_property
    def specs(self) -> Mapping[str, FieldSpec]:
        """All field specs, including those of framework fields."""
        return {**FRAMEWORK_SPECS, **self.fields}

    @cached_property
    def column_specs(self) -> Mapping[str, FieldSpec]:
        """The field specs of the columns."""
        return {name: self.specs[name] for name in self.columns}

    @cached_property
    def bounded(self) -> tuple[FieldSpec, ...]:
        """Own fields whose values a store may not be able to hold."""
        return _bounded(self.fields)

    @cached_property
    def computed(self) -> ComputedFields:
        """Own computed fields."""
        return ComputedFields(self.model, {name: spec for name, spec in self.fields.items() if spec.computed})

    @cached_property
    def has_computed(self) -> bool:
        """True if the document or any of its child tables has a computed field."""
        return bool(self.computed.specs) or any(child.computed.specs for child in self.children.values())

    @cached_property
    def hooks(self) -> frozenset[str]:
        """The hooks that the controller defines."""
        return self.controller.list_hooks() if self.controller else frozenset()

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """Fields kept out of audit and events."""
        return frozenset(name for name, spec in self.fields.items() if spec.sensitive)

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Own link fields and the DocTypes they point to."""
        return {name: spec.link for name, spec in self.fields.items() if spec.link}

    @cached_property
    def has_links(self) -> bool:
        """True if the document or any of its child tables has a link field."""
        return bool(self.links) or any(child.links for child in self.children.values())

    @cached_property
    def link_levels(self) -> tuple[Mapping[str, str], ...]:
        """Own link fields and their DocTypes, first those that callers set, then those fetched over them, and so on."""
        return _link_levels(self.fields)

    @cached_property
    def fetched_over(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """For each own link that fields are fetched over: their names, each with that of the target's field."""
        return _fetched_over(self.fields)

    @cached_property
    def has_fetches(self) -> bool:
        """True if the document or any of its child tables has a fetched field."""
        return bool(self.fetched_over) or any(child.fetched_over for child in self.children.values())

    @cached_property
    def default_order(self) -> tuple[OrderSpec, ...]:
        """The order of `Meta.order_by`, in which no two documents are equal; empty without it."""
        return parse_order(self.meta.order_by)

    @cached_property
    def default_filters(self) -> tuple[Comparison, ...]:
        """The conditions of `Meta.default_filters`. Raises ValueError for one that is not valid."""
        return tuple(
            read_comparison(name, value, self.column_specs) for name, value in self.meta.default_filters.items()
        )

    @cached_property
    def set_once(self) -> Mapping[str, tuple[str, ...]]:
        """The fields that are set once: own ones under "", others under the field of their rows; empty without any."""
        tables = {"": self.fields, **{name: child.fields for name, child in self.children.items()}}
        found = {at: tuple(name for name, spec in fields.items() if spec.set_once) for at, fields in tables.items()}
        return {at: names for at, names in found.items() if names}

    @cached_property
    def dynamic_defaults(self) -> Mapping[str, tuple[FieldSpec, ...]]:
        """The fields with a dynamic default, own ones under "", others under the field of their rows."""
        tables = {"": self.fields, **{name: child.fields for name, child in self.children.items()}}
        found = {at: tuple(one for one in fields.values() if one.dynamic_default) for at, fields in tables.items()}
        return {at: specs for at, specs in found.items() if specs}

    @cached_property
    def json_encoders(self) -> JsonEncoders:
        """The functions for values, in the document and its rows, that JSON cannot hold as they are."""
        tables = (self.fields, *(child.fields for child in self.children.values()))
        return json_encoders_of(spec for fields in tables for spec in fields.values())

    @cached_property
    def enum_fields(self) -> tuple[str, ...]:
        """Fields whose Python value is an enum member."""
        return tuple(name for name, spec in self.fields.items() if spec.enum)

    @cached_property
    def converted(self) -> tuple[str, ...]:
        """Columns whose stored value differs from the model's: enums, and JSON, which is copied."""
        return tuple(name for name, spec in self.fields.items() if spec.enum or spec.kind is FieldKind.JSON)

    @cached_property
    def json_fields(self) -> frozenset[str]:
        """Fields that hold JSON, in the document or in rows of a child table."""
        rows = (name for name, child in self.children.items() if _holds_json(child.fields))
        return frozenset((*(name for name, spec in self.fields.items() if spec.kind is FieldKind.JSON), *rows))

    @cached_property
    def unique_fields(self) -> frozenset[str]:
        """Fields whose values are unique among live documents."""
        return frozenset({"id", "name", *(name for name, spec in self.fields.items() if spec.unique)})

    @cached_property
    def index_heads(self) -> frozenset[str]:
        """Leading fields of indexes."""
        listed = {columns[0] for columns in (*self.meta.indexes, *self.meta.unique_together) if columns}
        own = {name for name, spec in self.fields.items() if spec.link or spec.index}
        always = {"creation", "owner", "modified", self.meta.rls_field or "owner"}
        return frozenset(self.unique_fields | listed | own | always)

    @cached_property
    def indexed_text(self) -> tuple[str, ...]:
        """Text fields that are part of an index, or the title, and so must stay short."""
        listed = {name for columns in (*self.meta.indexes, *self.meta.unique_together) for name in columns}
        listed |= {self.meta.rls_field or "", self.meta.title_field or "", "name"}
        return tuple(
            name
            for name, spec in self.specs.items()
            if _is_free_text(spec) and (spec.unique or spec.index or name in listed)
        )


def _is_free_text(spec: FieldSpec) -> bool:
    return spec.kind is FieldKind.TEXT and not spec.enum


def _fetched_over(fields: Mapping[str, FieldSpec]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, spec in fields.items():
        if spec.fetch_from:
            link, _, source = spec.fetch_from.partition(".")
            found[link] = (*found.get(link, ()), (name, source))
    return found


def _link_levels(fields: Mapping[str, FieldSpec]) -> tuple[Mapping[str, str], ...]:
    left, levels = {name: spec for name, spec in fields.items() if spec.link}, list[Mapping[str, str]]()
    while left:
        waiting = {name for name, spec in left.items() if (spec.fetch_from or "").partition(".")[0] in left}
        level = {name: spec.link for name, spec in left.items() if spec.link and name not in waiting}
        if not level:
            break  # a circle, which stops the start
        levels.append(level)
        left = {name: left[name] for name in left if name in waiting}
    return tuple(levels)


def _holds_json(fields: Mapping[str, FieldSpec]) -> bool:
    return any(spec.kind is FieldKind.JSON for spec in fields.values())


def _bounded(fields: Mapping[str, FieldSpec]) -> tuple[FieldSpec, ...]:
    return tuple(one for one in fields.values() if one.kind not in _UNBOUNDED and not one.enum and not one.computed)
