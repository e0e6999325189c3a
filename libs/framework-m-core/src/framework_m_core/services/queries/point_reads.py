"""Reads of one document by id or name, prepared per grant, so that the hot path builds only the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import Principal
from framework_m_core.domain.documents.names import normalize_name
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.row_scopes import unite
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import ChildSelection, DocumentReaderProtocol, QueryTemplate, ReadHandle, Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.services.rows.projection import (
    LIVE,
    Served,
    by_reference,
    compile_projection,
    convert_row,
    select_stored_fields,
    serialize,
)
from framework_m_core.services.rows.template_cache import TemplateCache

__all__ = ["PointRead", "PointReads"]

_MAX_PREPARED = 1_000
"""Prepared reads kept per DocType."""


@dataclass(frozen=True, slots=True, eq=False)
class PointRead:
    """A prepared read. `scope_values` fill the row scope's placeholders; a `UserAttribute` is the caller's id."""

    chosen: tuple[str | ChildSelection, ...]
    names: tuple[str, ...] | None
    handle: ReadHandle
    scope_values: tuple[Any, ...]
    fingerprint: str | None

    def bind_values(self, ref: UUID | str, principal: Principal) -> tuple[Any, ...]:
        """Return the values of one read: the reference, then the row scope's."""
        if not isinstance(ref, UUID):
            ref = normalize_name(ref)
        if not self.scope_values:
            return (ref,)
        own = [principal.id if type(value) is UserAttribute else value for value in self.scope_values]
        return (ref, *own)

    def to_document(self, row: Row) -> Served:
        """Return a row of the read as a document."""
        if self.names is not None:
            return serialize(zip(self.names, row, strict=True), self.fingerprint)
        return serialize(convert_row(self.chosen, row), self.fingerprint)


type _Known = dict[tuple[int, bool], tuple[Grant, PointRead | None]]


class PointReads:
    """Prepared reads by DocType, grant and kind of reference, reading all stored fields if `whole`."""

    def __init__(self, reader: DocumentReaderProtocol, *, whole: bool = False) -> None:
        self._whole = whole
        self._prepared = Derived[CompiledDocType, TemplateCache[ReadHandle]](lambda _: TemplateCache(reader.prepare))
        self._known: Derived[CompiledDocType, _Known] = Derived(lambda _: {})

    def find(self, plan: CompiledDocType, grant: Grant, ref: UUID | str) -> PointRead | None:
        """Return the prepared read for a reference; None under a policy engine or if its template varies by caller."""
        reads, key = self._known.of(plan), (id(grant), isinstance(ref, UUID))
        known = reads.get(key)
        if known is not None and known[0] is grant:
            return known[1]
        if len(reads) >= _MAX_PREPARED:
            reads.clear()
        made = self._make(plan, grant, ref)
        reads[key] = (grant, made)
        return made

    def _make(self, plan: CompiledDocType, grant: Grant, ref: UUID | str) -> PointRead | None:
        if grant.evaluate or any(map(_depends_on_caller, grant.scopes)):
            return None
        scope, scope_values = parameterize(unite(grant.scopes))
        reference, _ = parameterize(by_reference(ref))
        served = None if self._whole else compile_projection(plan, grant.readable)
        chosen = served.chosen if served else select_stored_fields(plan)
        handle = self._prepared.of(plan)(QueryTemplate(plan, chosen, And((reference, LIVE, scope))))
        scalars = tuple(part for part in chosen if isinstance(part, str))
        names = scalars if len(scalars) == len(chosen) else None
        return PointRead(chosen, names, handle, scope_values, served.fingerprint if served else None)


def _depends_on_caller(tree: Filter) -> bool:
    """Return whether the query template varies by caller: attributes have any number of values, an id is one text."""
    match tree:
        case And(parts) | Or(parts):
            return any(_depends_on_caller(part) for part in parts)
        case Not(part):
            return _depends_on_caller(part)
        case Comparison(_, operator, UserAttribute(name, kind)):
            return name != "id" or kind is not FieldKind.TEXT or operator not in {"eq", "ne"}
    return False
