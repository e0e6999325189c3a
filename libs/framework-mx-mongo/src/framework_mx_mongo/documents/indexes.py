"""The indexes of collections. Unique ones cover live documents that have a value, so deleted ones block nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from framework_m_core.spi import CompiledDocType, FieldSpec
from framework_mx_mongo.documents.codec import key_of
from framework_mx_mongo.documents.values import BSON_TYPES

__all__ = [
    "FRAMEWORK_INDEXES",
    "LIVE_QUERY",
    "PREFIXES",
    "Index",
    "create_live_index",
    "find_unique_columns",
    "indexes_of",
]

PREFIXES: Final = ("uq_", "ix_")
"""Prefixes of the names of the framework's indexes, which it creates and drops."""

LIVE_QUERY: Final[Mapping[str, Any]] = {"deleted_at": {"$eq": None}}


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its keys in order, whether it is unique, and which documents it covers."""

    keys: tuple[str, ...]
    unique: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name, by prefix and keys."""
        return ("uq_" if self.unique else "ix_") + "_".join(self.keys)

    def to_options(self) -> dict[str, Any]:
        """Return the index as `createIndexes` takes it and `listIndexes` shows it."""
        options: dict[str, Any] = {"key": dict.fromkeys(self.keys, 1), "name": self.name}
        if self.unique:
            options["unique"] = True
        if self.where:
            options["partialFilterExpression"] = dict(self.where)
        return options


FRAMEWORK_INDEXES: Final[Mapping[str, tuple[Index, ...]]] = {
    "m_audit": (Index(("doctype", "document_id", "at")),),
    "m_outbox": (Index(("position", "recorded_at", "place")),),
    "m_consumer": (),
    "m_delivery": (Index(("consumer", "position")), Index(("position",))),
    "m_counter": (),
    "m_idempotency": (Index(("expires",)),),
    "m_schema": (),
}
"""The framework's own collections, with their indexes."""


def find_unique_columns(plan: CompiledDocType) -> Iterator[tuple[str, ...]]:
    """Yield the fields, or groups of them, whose values are unique among live documents."""
    fields = [(name,) for name, spec in plan.fields.items() if spec.unique]
    yield from dict.fromkeys([("name",), *fields, *(tuple(group) for group in plan.meta.unique_together)])


def indexes_of(plan: CompiledDocType) -> list[Index]:
    """Return the indexes of a DocType's collection."""
    plain = [Index(tuple(map(key_of, _columns_of(plan.specs, group)))) for group in dict.fromkeys(_plain(plan))]
    unique = [create_live_index(plan, group) for group in find_unique_columns(plan)]
    rows = [Index((f"{name}.id",), unique=True, where={f"{name}.id": {"$exists": True}}) for name in plan.children]
    links = [
        Index(tuple(f"{name}.{column.name}" for column in spec.columns))
        for name, child in plan.children.items()
        for spec in child.fields.values()
        if spec.link or spec.index
    ]
    return [*plain, *unique, *rows, *links]


def create_live_index(plan: CompiledDocType, group: Sequence[str]) -> Index:
    """Return the unique index of some fields over live documents with values in all of them."""
    columns = [column for name in group for column in plan.specs[name].columns]
    typed = {column.name: _has_value(column) for column in columns if column.nullable}
    return Index(tuple(column.name for column in columns), unique=True, where={**LIVE_QUERY, **typed})


def _has_value(column: FieldSpec) -> dict[str, Any]:
    first, *others = BSON_TYPES[column.kind]
    return {"$type": [first, *others] if others else first}


def _columns_of(specs: Mapping[str, FieldSpec], fields: Iterable[str]) -> list[str]:
    return [column.name for name in fields for column in specs[name].columns]


def _plain(plan: CompiledDocType) -> Iterator[tuple[str, ...]]:
    yield ("creation", "id")
    yield ("owner", "creation", "id")
    yield ("modified", "id")
    for name, spec in plan.fields.items():
        if spec.link or spec.index:
            yield (name,)
    if plan.meta.rls_field not in (None, "owner"):
        yield (plan.meta.rls_field or "", "creation", "id")
    yield from (tuple(group) for group in plan.meta.indexes)
