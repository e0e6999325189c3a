"""`Layout`: the columns that a DocType's documents have had since its collection was made, and its validator.

Fields that a registry no longer has stay required, with their defaults, since processes with the other registry may
still write, or the field may come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from framework_m_core.spi import FRAMEWORK_SPECS, CompiledDocType, FieldKind, FieldSpec
from framework_mx_mongo.documents.codec import columns_of_default, key_of
from framework_mx_mongo.documents.values import BSON_TYPES

__all__ = ["SCHEMA", "Column", "Layout", "build_schema", "layout_of"]

SCHEMA: Final = "m_schema"
"""The collection that keeps the layout of each DocType."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its kind, whether it may be null, and the BSON of its default."""

    kind: str
    stored_as: str
    nullable: bool
    default: Any = None


_ATTRIBUTES: Final = tuple(one.name for one in fields(Column))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of documents by key, and the kinds of child fields by path (`items.rate`)."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)

    def merge(self, newer: Layout) -> Layout:
        """Return the layout of both, in which the newer one decides."""
        return Layout({**self.columns, **newer.columns}, {**self.rows, **newer.rows})

    def record(self) -> dict[str, Any]:
        """Return the layout as stored; the framework's own columns always are."""
        columns = [
            {"name": key, **{name: getattr(one, name) for name in _ATTRIBUTES}} for key, one in self.columns.items()
        ]
        return {"columns": columns, "rows": [{"path": path, "kind": kind} for path, kind in self.rows.items()]}

    @classmethod
    def read(cls, record: Mapping[str, Any] | None) -> Layout:
        """Return a stored layout; an empty one if there is none."""
        if record is None:
            return cls()
        columns = {one["name"]: Column(**{name: one[name] for name in _ATTRIBUTES}) for one in record["columns"]}
        return cls(columns, {one["path"]: one["kind"] for one in record["rows"]})

    def make_validator(self) -> dict[str, Any]:
        """Return the validator of the collection. Columns of apps may be null: documents may be older than they are."""
        own = {key_of(name): build_schema(spec.kind, nullable=spec.nullable) for name, spec in FRAMEWORK_SPECS.items()}
        columns = {key: build_schema(FieldKind(one.stored_as), nullable=True) for key, one in self.columns.items()}
        properties = {**own, **columns}
        return {"$jsonSchema": {"bsonType": "object", "required": sorted(properties), "properties": properties}}


def layout_of(plan: CompiledDocType) -> Layout:
    """Return the layout that a DocType declares."""
    columns = {}
    for name in plan.columns:
        if name not in FRAMEWORK_SPECS:
            spec = plan.specs[name]
            defaults = columns_of_default(plan.model, spec)
            for column in spec.columns:
                columns[column.name] = Column(_kind(spec), column.kind.value, spec.nullable, defaults[column.name])
    return Layout(columns, dict(_row_kinds(plan)))


def _row_kinds(plan: CompiledDocType) -> Iterator[tuple[str, str]]:
    for field_, child in plan.children.items():
        for name, spec in child.fields.items():
            yield f"{field_}.{name}", _kind(spec)


def _kind(spec: FieldSpec) -> str:
    """Return what a field's values are stored as: a change of it would change their meaning."""
    if spec.field_type is not None:
        return repr(spec.field_type)
    described = spec.kind.value if spec.scale is None else f"{spec.kind.value}({spec.scale})"
    return f"{described} of {spec.items.value}" if spec.kind is FieldKind.JSON and spec.items else described


def build_schema(kind: FieldKind, *, nullable: bool = False) -> dict[str, Any]:
    """Return what a validator demands of the values of a kind."""
    return {"bsonType": [*BSON_TYPES[kind], *(["null"] if nullable else [])]}
