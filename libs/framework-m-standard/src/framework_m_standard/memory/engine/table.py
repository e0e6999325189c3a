"""`Table`: the documents of one DocType, with their unique keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from framework_m_core.spi import CompiledDocType, FieldSpec, HashKey, hash_keys
from framework_m_standard.memory.engine.rows import Row

__all__ = ["Columns", "Kind", "Table", "compute_unique_key", "kinds_of", "unique_columns_of"]

type Columns = tuple[str, ...]
type Kind = tuple[str, int | None]
"""A field's kind, or a description of its field type, and its scale."""


class Table:
    """The stored documents of a DocType and their schema, which changes only when the schema is synced.

    `unique` maps, for each set of columns, each key to its live document; `row_owners` maps child rows, by field and
    id, to their document; `kinds` holds the kinds that fields are stored as, with child fields as `items.rate`; `plan`
    is the latest DocType that the table was synced with.
    """

    def __init__(self, plan: CompiledDocType) -> None:
        self.plan = plan
        self.rows: dict[HashKey, Row] = {}
        self.row_owners: dict[tuple[str, HashKey], UUID] = {}
        self.unique: dict[Columns, dict[HashKey, UUID]] = {columns: {} for columns in unique_columns_of(plan)}
        self.kinds: dict[str, Kind] = kinds_of(plan)


def unique_columns_of(plan: CompiledDocType) -> tuple[Columns, ...]:
    """Return the sets of columns that a DocType declares as unique among live documents."""
    fields = [(name,) for name, spec in plan.fields.items() if spec.unique]
    return tuple(dict.fromkeys([("name",), *fields, *(tuple(columns) for columns in plan.meta.unique_together)]))


def compute_unique_key(plan: CompiledDocType, columns: Columns, row: Row) -> HashKey | None:
    """Return the unique key of a row, or None if it is deleted or lacks a value."""
    values = [part for name in columns for part in plan.specs[name].parts_of(row[name])]
    return None if row["deleted_at"] is not None or None in values else hash_keys(*values)


def kinds_of(plan: CompiledDocType) -> dict[str, Kind]:
    """Return the kinds that the fields of a DocType are stored as."""
    kinds = dict(_kinds("", plan.fields))
    for field, child in plan.children.items():
        kinds.update(_kinds(f"{field}.", child.fields))
    return kinds


def _kinds(at: str, specs: Mapping[str, FieldSpec]) -> Iterator[tuple[str, Kind]]:
    for name, spec in specs.items():
        yield at + name, (repr(spec.field_type) if spec.field_type else spec.kind.value, spec.scale)
