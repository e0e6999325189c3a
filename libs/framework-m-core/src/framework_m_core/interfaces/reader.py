"""Port `DocumentReaderProtocol`: prepare the shape of a read once, run it many times, get rows of domain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NewType, Protocol

from framework_m_core.domain.filters.tree import EVERYTHING, Filter
from framework_m_core.domain.page import OrderSpec

__all__ = ["ChildSelection", "DocumentReaderProtocol", "Lock", "QueryTemplate", "ReadHandle", "Row"]

type Row = tuple[Any, ...]
ReadHandle = NewType("ReadHandle", object)
"""What a store made of a shape; opaque to everybody else."""


@dataclass(frozen=True, slots=True)
class ChildSelection:
    """The rows of one child table, in their order, with the named fields of each."""

    field: str
    columns: tuple[str, ...]


type Lock = Literal["share", "change", "update"]
"""What rows that are read are kept from until the unit ends: being deleted, being changed, or also being linked to."""


@dataclass(frozen=True, slots=True)
class QueryTemplate:
    """A read without its values.

    `doctype` is the `CompiledDocType`, so that one whose registry is gone is not taken for its successor. `where` holds
    a `Slot` for each value; `paged` adds a limit and an offset after them. `lock` is for reads inside
    a unit of work. `count` asks for the number of rows alone.
    """

    doctype: Any
    fields: tuple[str | ChildSelection, ...]
    where: Filter = EVERYTHING
    order_by: tuple[OrderSpec, ...] = ()
    paged: bool = False
    lock: Lock | None = None
    count: bool = False


class DocumentReaderProtocol(Protocol):
    """Reads without making documents; lives as long as the app.

    Contract: rows come in the order asked for and hold the asked fields in their order, as domain values (a child
    selection as a list of tuples); a document and its children are read from one snapshot; the filter means what
    `domain.filters.matches` says. Soft-deleted documents are rows like others: the shape filters them.

    `heavy_reads` is how many reads that take long may run at once, with room beside them for all others.
    """

    heavy_reads: int

    def prepare(self, shape: QueryTemplate) -> ReadHandle:
        """Compiles a shape; the result may be kept for as long as the DocType. Raises KeyError for unknown names."""
        ...

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Runs a prepared read outside any unit of work. Raises TransientError when the store is away."""
        ...
