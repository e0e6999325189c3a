"""Port `DocumentReaderProtocol`: prepare a query template once, run it many times, get rows of domain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NewType, Protocol

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.filters.tree import EVERYTHING, Filter
from framework_m_core.domain.page import OrderSpec

__all__ = ["ChildSelection", "DocumentReaderProtocol", "Lock", "QueryTemplate", "ReadHandle", "Row"]

type Row = tuple[Any, ...]
ReadHandle = NewType("ReadHandle", object)
"""A query template as prepared by a store; opaque to everyone else."""


@dataclass(frozen=True, slots=True)
class ChildSelection:
    """The rows of one child table, in their order, with the named fields of each."""

    field: str
    columns: tuple[str, ...]


type Lock = Literal["share", "change", "update"]
"""What a read prevents on its rows until the unit ends: deletion ("share"), changes, or also new links to them."""


@dataclass(frozen=True, slots=True)
class QueryTemplate[D]:
    """A read without its values.

    `doctype` is the `CompiledDocType` itself, so that one of a replaced registry is not mistaken for its successor; it
    is `D` here, as ports know nothing of the registry. `where` holds a `Placeholder` for each value; `paged` adds a
    limit and an offset after them. `lock` is for reads inside a unit of work. `count` requests only the number of rows,
    `sizes` only about how many bytes the fields of each row have, `VALUE_BYTES` for each value at least, so that a page
    of huge or countless rows need not be read to be refused.
    """

    doctype: D
    fields: tuple[str | ChildSelection, ...]
    where: Filter = EVERYTHING
    order_by: tuple[OrderSpec, ...] = ()
    paged: bool = False
    lock: Lock | None = None
    count: bool = False
    sizes: bool = False


class DocumentReaderProtocol(Protocol):
    """Reads rows without building documents; lives as long as the app.

    Contract: rows are returned in the requested order with the requested fields in theirs, as domain values (a child
    selection as a list of tuples); a document and its children are read from one snapshot; filters have the semantics
    of `domain.filters.tree.matches`. Soft-deleted documents are ordinary rows: the template filters them out.

    A handle serves every context: the context says whose tenant's rows are read, not what is read of them.

    `heavy_reads` is the number of heavy reads that may run at once while leaving room for all others.
    """

    heavy_reads: int

    def prepare(self, template: QueryTemplate[Any]) -> ReadHandle:
        """Compile a template; the result may be cached as long as the DocType. Raises KeyError for unknown names."""
        ...

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read outside any unit of work. Raises TransientError if the store is unavailable."""
        ...
