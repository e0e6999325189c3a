"""`MemorySchemaMapper`: port `SchemaMapperProtocol`: what is stored follows DocTypes that have changed meanwhile.

A DocType that is new needs nothing. One that was there before may have new fields, whose defaults its documents get,
and other unique fields; values are never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.defaults import stored_default
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.hash_keys import HashKey
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.memory.engine.rows import Row, stored_value
from framework_m_standard.memory.engine.table import Columns, Table, kinds_of, unique_key, wanted_unique
from framework_m_standard.memory.store import MemoryStore

__all__ = ["MemorySchemaMapper"]

type Change = tuple[str, Callable[[], None]]
"""What would be done, and the doing."""


class MemorySchemaMapper:
    """Compares the DocTypes with the tables."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._store = memory_store

    async def is_migrated(self) -> bool:
        """Never: what is in memory is made anew with each process."""
        return False

    async def plan(self) -> Sequence[str]:
        """What `sync` would do. Raises ConfigurationError for what it cannot do."""
        return [text for text, _ in self._changes()]

    async def sync(self) -> Sequence[str]:
        """Does all of it or, where a part cannot be done, nothing."""
        async with self._store.database.turn():
            changes = self._changes()
            for _, apply in changes:
                apply()
        return [text for text, _ in changes]

    def _changes(self) -> list[Change]:
        problems: list[str] = []
        changes = [change for plan in self._store.registry.doctypes.values() for change in self._of(plan, problems)]
        if problems:
            raise ConfigurationError("what is stored cannot be brought in line with the DocTypes:", problems)
        return changes

    def _of(self, plan: CompiledDocType, problems: list[str]) -> Iterator[Change]:
        table = self._store.database.tables[plan.name]
        problems += _other_kinds(plan, table)
        filled = {key: new for key, row in table.rows.items() if (new := _filled(plan, row)) is not row}
        if filled:
            yield f"{plan.name}: defaults of new fields for {len(filled)} documents", lambda: table.rows.update(filled)
        if kinds_of(plan).items() - table.kinds.items():
            yield f"{plan.name}: new fields", lambda: table.kinds.update(kinds_of(plan))
        for columns in table.unique.keys() - set(wanted_unique(plan)):
            yield f"{plan.name}: {', '.join(columns)} need not be unique", _forgetting(table, columns)
        for columns in wanted_unique(plan):
            if columns not in table.unique:
                owners = _owners(plan, columns, {**table.rows, **filled}, problems)
                yield f"{plan.name}: {', '.join(columns)} unique", _keeping(table, columns, owners)


def _forgetting(table: Table, columns: Columns) -> Callable[[], None]:
    return lambda: table.unique.__delitem__(columns)


def _keeping(table: Table, columns: Columns, owners: dict[HashKey, UUID]) -> Callable[[], None]:
    return lambda: table.unique.__setitem__(columns, owners)


def _owners(
    plan: CompiledDocType, columns: Columns, rows: Mapping[HashKey, Row], problems: list[str]
) -> dict[HashKey, UUID]:
    keys = [(unique_key(columns, row), row["id"]) for row in rows.values()]
    owners = {key: id for key, id in keys if key is not None}
    if len(owners) < sum(key is not None for key, _ in keys):
        names = ", ".join(columns)
        problems.append(f"{plan.name}: documents share values of {names}, so it cannot become unique: make them differ")
    return owners


def _other_kinds(plan: CompiledDocType, table: Table) -> Iterator[str]:
    """Fields whose stored values are of another kind than the DocType says now."""
    for path, (kind, scale) in kinds_of(plan).items():
        stored = table.kinds.get(path, (kind, scale))
        if stored != (kind, scale) and any(_holds(row, path) for row in table.rows.values()):
            yield f"{plan.name}.{path} is stored as {stored[0]}, the DocType wants {kind}: rename the field"


def _holds(row: Row, path: str) -> bool:
    field, _, column = path.partition(".")
    return any(child[column] is not None for child in row[field] or ()) if column else row[field] is not None


def _filled(plan: CompiledDocType, row: Row) -> Row:
    """A row with the defaults of fields that it was stored without; the same row where it lacks none."""
    filled = _with_defaults(plan.model, plan.fields, row)
    for field, child in plan.children.items():
        before = row[field] or ()
        rows = tuple([_with_defaults(child.model, child.fields, one) for one in before])
        if any(new is not old for new, old in zip(rows, before, strict=True)):
            filled = Row({**filled, field: rows})
    return filled


def _with_defaults(model: type[BaseModel], specs: Mapping[str, FieldSpec], row: Row) -> Row:
    lacking = [spec for spec in specs.values() if spec.is_scalar and _lacks(spec, row)]
    defaults = {spec.name: default for spec in lacking if (default := stored_default(model, spec)) is not None}
    return (
        Row({**row, **{name: stored_value(specs[name], default) for name, default in defaults.items()}})
        if defaults
        else row
    )


def _lacks(spec: FieldSpec, row: Row) -> bool:
    return spec.name not in row or (row[spec.name] is None and not spec.nullable)
