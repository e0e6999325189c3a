"""`Table`: the documents of one DocType with the keys that are unique among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.hash_keys import HashKey, hash_keys
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.memory.engine.rows import Row

__all__ = ["Columns", "Kind", "Table", "kinds_of", "unique_key", "wanted_unique"]

type Columns = tuple[str, ...]
type Kind = tuple[FieldKind, int | None]


class Table:
    """What is stored of a DocType, and how: it follows the DocType when the schema is synced, not before.

    `unique` holds, for each set of columns, the live document of each key; `row_owners` the document of each child
    row, by field and id; `kinds` what fields were stored as, child fields as `items.rate`; `plan` is the latest DocType
    that it was brought in line with.
    """

    def __init__(self, plan: CompiledDocType) -> None:
        self.plan = plan
        self.rows: dict[HashKey, Row] = {}
        self.row_owners: dict[tuple[str, HashKey], UUID] = {}
        self.unique: dict[Columns, dict[HashKey, UUID]] = {columns: {} for columns in wanted_unique(plan)}
        self.kinds: dict[str, Kind] = kinds_of(plan)


def wanted_unique(plan: CompiledDocType) -> tuple[Columns, ...]:
    """The columns that a DocType wants to be unique among live documents."""
    fields = [(name,) for name, spec in plan.fields.items() if spec.unique]
    return tuple(dict.fromkeys([("name",), *fields, *(tuple(columns) for columns in plan.meta.unique_together)]))


def unique_key(columns: Columns, row: Row) -> HashKey | None:
    """What a row may share with no other; None for a deleted one, and where a value is missing."""
    values = [row[name] for name in columns]
    return None if row["deleted_at"] is not None or None in values else hash_keys(*values)


def kinds_of(plan: CompiledDocType) -> dict[str, Kind]:
    """What the fields of a DocType are stored as."""
    kinds = dict(_kinds("", plan.fields))
    for field, child in plan.children.items():
        kinds.update(_kinds(f"{field}.", child.fields))
    return kinds


def _kinds(at: str, specs: Mapping[str, FieldSpec]) -> Iterator[tuple[str, Kind]]:
    for name, spec in specs.items():
        yield at + name, (spec.kind, spec.scale)
