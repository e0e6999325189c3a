"""`MemoryReader`: port `DocumentReaderProtocol`. A fetch never awaits, so all that it reads is consistent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from framework_m_core.spi import (
    CompiledDocType,
    Filter,
    OrderSpec,
    QueryTemplate,
    ReadHandle,
    RequestContext,
    Row,
    fields_of,
)
from framework_m_standard.memory.engine import rows as stored
from framework_m_standard.memory.engine.selection import Rows, fill, select
from framework_m_standard.memory.engine.store import MemoryStore

__all__ = ["MemoryReader", "Prepared"]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A query template with checked names, and the getters of its fields."""

    doctype: str
    where: Filter
    order_by: tuple[OrderSpec, ...]
    take: tuple[Callable[[stored.Row], Any], ...]
    size: tuple[Callable[[stored.Row], int], ...]
    paged: bool
    count: bool
    sizes: bool
    locks: bool

    def run(self, rows: Rows, values: Sequence[Any]) -> list[Row]:
        """Return the rows of the query template with these values."""
        given = iter(values)
        found = select(rows, fill(self.where, given), self.order_by)
        if self.count:
            return [(len(found),)]
        if self.paged:
            limit, offset = given
            found = found[offset : offset + limit]
        if self.sizes:
            return [(sum(size(row) for size in self.size),) for row in found]
        return [tuple([take(row) for take in self.take]) for row in found]


class MemoryReader:
    """Reads of committed documents."""

    heavy_reads = 8

    def __init__(self, memory_store: MemoryStore) -> None:
        self._store = memory_store

    def prepare(self, template: QueryTemplate[CompiledDocType]) -> ReadHandle:
        """Prepare a read, checking every name. Raises KeyError for unknown ones."""
        plan = template.doctype
        named = fields_of(template.where) | {spec.field for spec in template.order_by}
        if unknown := named.difference(plan.columns):
            raise KeyError(*sorted(unknown))
        take = tuple(stored.make_getter(plan, part) for part in template.fields)
        return ReadHandle(
            Prepared(
                plan.name,
                template.where,
                template.order_by,
                take,
                tuple(stored.make_size(plan, part) for part in template.fields),
                template.paged,
                template.count,
                template.sizes,
                template.lock is not None,
            )
        )

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read."""
        prepared: Prepared = handle  # type: ignore[assignment]
        return prepared.run(self._store.database.tables[prepared.doctype].rows, values)
