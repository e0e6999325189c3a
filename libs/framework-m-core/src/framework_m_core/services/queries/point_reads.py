"""Reading one document by id or name, prepared per grant: on the hot path nothing is built but the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import Principal
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute, parameterize
from framework_m_core.domain.row_scopes import unite
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import ChildSelection, DocumentReaderProtocol, QueryTemplate, ReadHandle, Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.services.queries.projection import (
    LIVE,
    Served,
    by_reference,
    full_selection,
    projection,
    row_to_document,
    serve,
)

__all__ = ["PointRead", "PointReads"]

_MOST = 1_000
"""Of one DocType."""


@dataclass(frozen=True, slots=True, eq=False)
class PointRead:
    """A prepared read. `scope_values` fill the row scope's slots; a `UserAttribute` is the caller's own."""

    chosen: tuple[str | ChildSelection, ...]
    names: tuple[str, ...] | None
    handle: ReadHandle
    scope_values: tuple[Any, ...]
    fingerprint: str | None

    def values(self, ref: UUID | str, principal: Principal) -> tuple[Any, ...]:
        """The values of one read."""
        if not self.scope_values:
            return (ref,)
        own = [principal.id if type(value) is UserAttribute else value for value in self.scope_values]
        return (ref, *own)

    def document(self, row: Row) -> Served:
        """What a row of the read holds, by field."""
        if self.names is not None:
            return serve(zip(self.names, row, strict=True), self.fingerprint)
        return serve(row_to_document(self.chosen, row), self.fingerprint)


type _Known = dict[tuple[int, bool], tuple[Grant, PointRead | None]]


class PointReads:
    """Prepared reads by DocType, grant and kind of reference; of all stored fields when `whole`."""

    def __init__(self, reader: DocumentReaderProtocol, *, whole: bool = False) -> None:
        self._reader = reader
        self._whole = whole
        self._known: Derived[CompiledDocType, _Known] = Derived(lambda _: {})

    def find(self, plan: CompiledDocType, grant: Grant, ref: UUID | str) -> PointRead | None:
        """The prepared read for a reference; None where the row scope's shape depends on the caller."""
        reads, key = self._known.of(plan), (id(grant), isinstance(ref, UUID))
        known = reads.get(key)
        if known is not None and known[0] is grant:
            return known[1]
        if len(reads) >= _MOST:
            reads.clear()
        made = self._make(plan, grant, ref)
        reads[key] = (grant, made)
        return made

    def _make(self, plan: CompiledDocType, grant: Grant, ref: UUID | str) -> PointRead | None:
        if grant.evaluate or any(map(_depends_on_caller, grant.scopes)):
            return None
        scope, scope_values = parameterize(unite(grant.scopes))
        reference, _ = parameterize(by_reference(ref))
        served = None if self._whole else projection(plan, grant.readable)
        chosen = served.chosen if served else full_selection(plan)
        handle = self._reader.prepare(QueryTemplate(plan, chosen, And((reference, LIVE, scope))))
        scalars = tuple(part for part in chosen if isinstance(part, str))
        names = scalars if len(scalars) == len(chosen) else None
        return PointRead(chosen, names, handle, scope_values, served.fingerprint if served else None)


def _depends_on_caller(tree: Filter) -> bool:
    """Whether the shape differs from caller to caller: attributes come in any number, an id always as one text."""
    match tree:
        case And(parts) | Or(parts):
            return any(_depends_on_caller(part) for part in parts)
        case Not(part):
            return _depends_on_caller(part)
        case Comparison(_, operator, UserAttribute(name, kind)):
            return name != "id" or kind is not FieldKind.TEXT or operator not in {"eq", "ne"}
    return False
