"""`MemorySchemaMapper`: port `SchemaMapperProtocol`; updates stored documents to changed DocTypes.

A new DocType needs no change. An existing one may have new fields, whose defaults its documents get, and different
unique fields; values are never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from framework_m_core.spi import CompiledDocType, ConfigurationError, HashKey, RegistryView
from framework_m_standard.memory.engine.missing_values import fill_row
from framework_m_standard.memory.engine.rows import Row
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.engine.table import Columns, Table, compute_unique_key, kinds_of, unique_columns_of

__all__ = ["Change", "MemorySchemaMapper"]

type Change = tuple[str, Callable[[], None]]
"""The description of a change, and the function that applies it."""


class MemorySchemaMapper:
    """A comparison of the DocTypes with the tables."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._store = memory_store

    @property
    def sync_schema(self) -> None:
        """No setting: each process starts empty."""
        return None

    async def is_migrated(self) -> bool:
        """Return False: the in-memory store has no migrations, as each process starts with an empty one."""
        return False

    async def plan(self) -> Sequence[str]:
        """Return the changes that `sync` would make. Raises ConfigurationError for impossible ones."""
        return [text for text, _ in self._changes(self._store.registry)]

    async def sync(self) -> Sequence[str]:
        """Apply all changes, or none if one is impossible. Raises ConfigurationError as `plan` does."""
        return await self.expand(self._store.registry)

    async def expand(self, registry: RegistryView) -> Sequence[str]:
        """Sync to a future registry; documents written under the current one get the defaults of its new fields."""
        async with self._store.database.hold_turn():
            self._store.make_tables(registry)
            changes = self._changes(registry)
            for _, apply in changes:
                apply()
            for plan in registry.doctypes.values():
                self._store.database.tables[plan.name].plan = plan
        return [text for text, _ in changes]

    async def read_generation(self) -> int:
        """Return the number of the registry published last."""
        return self._store.database.generation

    async def publish(self) -> int:
        """Increase that number and return it."""
        self._store.database.generation += 1
        return self._store.database.generation

    def _changes(self, registry: RegistryView) -> list[Change]:
        errors: list[str] = []
        changes = [change for plan in registry.doctypes.values() for change in self._changes_of(plan, errors)]
        if errors:
            raise ConfigurationError("the stored documents cannot be adapted to the DocTypes:", errors)
        return changes

    def _changes_of(self, plan: CompiledDocType, errors: list[str]) -> Iterator[Change]:
        table = self._store.database.tables[plan.name]
        if table.plan is plan:
            return
        errors += _other_kinds(plan, table)
        filled = {key: new for key, row in table.rows.items() if (new := fill_row(plan, row)) is not row}
        if filled:
            yield f"{plan.name}: defaults of new fields for {len(filled)} documents", lambda: table.rows.update(filled)
        if kinds_of(plan).items() - table.kinds.items():
            yield f"{plan.name}: new fields", lambda: table.kinds.update(kinds_of(plan))
        for columns in table.unique.keys() - set(unique_columns_of(plan)):
            yield f"{plan.name}: {', '.join(columns)} no longer unique", _drop_unique(table, columns)
        for columns in unique_columns_of(plan):
            if columns not in table.unique:
                owners = _owners(plan, columns, {**table.rows, **filled}, errors)
                yield f"{plan.name}: {', '.join(columns)} unique", _add_unique(table, columns, owners)


def _drop_unique(table: Table, columns: Columns) -> Callable[[], None]:
    return lambda: table.unique.__delitem__(columns)


def _add_unique(table: Table, columns: Columns, owners: dict[HashKey, UUID]) -> Callable[[], None]:
    return lambda: table.unique.__setitem__(columns, owners)


def _owners(
    plan: CompiledDocType, columns: Columns, rows: Mapping[HashKey, Row], errors: list[str]
) -> dict[HashKey, UUID]:
    keys = [(compute_unique_key(plan, columns, row), row["id"]) for row in rows.values()]
    owners = {key: id for key, id in keys if key is not None}
    if len(owners) < sum(key is not None for key, _ in keys):
        names = ", ".join(columns)
        errors.append(
            f"{plan.name}: documents have equal values of {names}, so it cannot become unique: change the values first"
        )
    return owners


def _other_kinds(plan: CompiledDocType, table: Table) -> Iterator[str]:
    """Yield an error for each field with stored values of another kind than the DocType now declares."""
    for path, (kind, scale) in kinds_of(plan).items():
        stored = table.kinds.get(path, (kind, scale))
        if stored != (kind, scale) and any(_holds(row, path) for row in table.rows.values()):
            yield f"{plan.name}.{path}: expected {kind}, got stored values of kind {stored[0]}: rename the field"


def _holds(row: Row, path: str) -> bool:
    field, _, column = path.partition(".")
    return any(child[column] is not None for child in row[field] or ()) if column else row[field] is not None
