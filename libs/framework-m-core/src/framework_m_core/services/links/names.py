"""`LinkNames`: the ids of documents that bodies and filters name instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.names import find_hidden_character, is_uuid, normalize_name
from framework_m_core.domain.errors import FieldError, LinkTargetError, ValidationError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.domain.filters.tree import EVERYTHING, NOTHING, And, Comparison, Filter, Not, Or, comparisons_of
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.targets import LinkTargets, hide_unknown_doctypes, refuse_too_many
from framework_m_core.services.permissions.service import PermissionService

__all__ = ["LinkName", "LinkNames", "read_link_name"]

_UNKNOWN: Final = UUID(int=0)
"""An id that no document has, in place of an unknown name, so that the rest of the body is still checked."""

_MAX_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class LinkName:
    """A document that a link names: its DocType and its name as stored."""

    doctype: str
    name: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A link written as a name: its field and, in a child row, the table and the row's index."""

    child: str | None
    index: int
    field: str
    target: LinkName

    @property
    def field_path(self) -> str:
        return f"{self.child}.{self.field}" if self.child else self.field

    @property
    def path(self) -> str:
        return f"{self.child}.{self.index}.{self.field}" if self.child else self.field


type _Ids = Mapping[LinkName, UUID]


def read_link_name(spec: FieldSpec, value: Any) -> LinkName | None:
    """Return the document that a value of a link names; None if it is an id, or no text."""
    if spec.link and isinstance(value, str) and not is_uuid(value):
        return LinkName(spec.link, normalize_name(value))
    return None


class LinkNames:
    """Resolution of names to ids, under the caller's scope to read or to select, in one read per DocType and action."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._permissions = permissions
        self._targets = LinkTargets(reader, permissions)

    async def resolve_body(
        self, context: RequestContext, plan: CompiledDocType, writable: frozenset[str], body: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Sequence[ValidationError]]:
        """Return a body with ids in place of the names in its writable links, and a LinkTargetError if one is unknown.

        A document that the caller can neither read nor select is treated as missing. Raises ValidationError for names
        of too many documents.
        """
        places = [place for place in _named_in(plan, body) if place.field_path in writable] if plan.has_links else []
        if not places:
            return body, []
        ids = await self._find_bounded(context, places)
        errors = [_unknown(place) for place in places if place.target not in ids]
        refused = [await self._refusal(context, errors)] if errors else []
        return _with_ids(body, places, ids), refused

    async def resolve_attributes(self, context: RequestContext, plan: CompiledDocType, document: BaseModel) -> None:
        """Set ids in place of the names that code of an app has set.

        Raises LinkTargetError for unknown names, and ValidationError for names of too many documents.
        """
        places = [*_named_in(plan, _attributes(plan, document))]
        ids = await self._find_bounded(context, places) if places else {}
        for place in places:
            holder = document if place.child is None else vars(document)[place.child][place.index]
            vars(holder)[place.field] = ids.get(place.target, _UNKNOWN)
        if errors := [_unknown(place) for place in places if place.target not in ids]:
            raise await self._refusal(context, errors)

    async def resolve_filter(self, context: RequestContext, plan: CompiledDocType, where: Filter) -> Filter:
        """Return a filter with ids in place of names; an unknown name equals no link."""
        if where == EVERYTHING or not plan.links:
            return where
        named = {value for comparison in comparisons_of(where) for value in _names_of(comparison.value)}
        return _filter_with_ids(where, await self._find(context, named)) if named else where

    async def _refusal(self, context: RequestContext, errors: Sequence[FieldError]) -> LinkTargetError:
        shown = await hide_unknown_doctypes(self._permissions, context, errors)
        return LinkTargetError("a link names no document that you can read", shown)

    async def _find_bounded(self, context: RequestContext, places: Iterable[_Place]) -> _Ids:
        targets = {place.target for place in places}
        await refuse_too_many(self._permissions, context, Counter(target.doctype for target in targets))
        return await self._find(context, targets)

    async def _find(self, context: RequestContext, targets: Iterable[LinkName]) -> _Ids:
        ids = dict[LinkName, UUID]()
        by_doctype = dict[str, set[str]]()
        for target in targets:
            if len(target.name) <= MAX_INDEXED_TEXT and not find_hidden_character(target.name):
                by_doctype.setdefault(target.doctype, set()).add(target.name)
        for doctype, names in by_doctype.items():
            plan: CompiledDocType = context.registry.get(doctype)
            for action in ("read", "select"):
                left = sorted(name for name in names if LinkName(doctype, name) not in ids)
                grant = await self._permissions.find(context, plan, action)
                if left and grant is not None:
                    wanted = Comparison("name", "in", tuple(left))
                    found = await self._targets.find(context, plan, action, grant, wanted, ("name",))
                    ids |= {LinkName(doctype, row["name"]): row["id"] for row in found}
        return ids


def _named_in(plan: CompiledDocType, values: Mapping[str, Any]) -> Iterator[_Place]:
    """Yield the links of a body, or of a document's attributes, that are written as names."""
    for field in plan.links:
        if target := read_link_name(plan.fields[field], values.get(field)):
            yield _Place(None, 0, field, target)
    for name, child in plan.children.items():
        rows = values.get(name) if child.links else None
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            for field in child.links if isinstance(row, Mapping) else ():
                if target := read_link_name(child.fields[field], row.get(field)):
                    yield _Place(name, index, field, target)


def _attributes(plan: CompiledDocType, document: BaseModel) -> Mapping[str, Any]:
    """Return the attributes of a document and its rows, with None for what is not a row, which validation refuses."""
    values = dict(vars(document))
    for name in plan.children:
        rows = values.get(name)
        if isinstance(rows, list):
            values[name] = [vars(row) if isinstance(row, BaseModel) else None for row in rows]
    return values


def _with_ids(body: Mapping[str, Any], places: Iterable[_Place], ids: _Ids) -> Mapping[str, Any]:
    """Return a copy of a body with ids at the places, and one that no document has where there is none."""
    resolved, copied = dict(body), set[str]()
    for place in places:
        id, child, index = ids.get(place.target, _UNKNOWN), place.child, place.index
        if child is None:
            resolved[place.field] = id
            continue
        if resolved[child] is body[child]:
            resolved[child] = [*body[child]]
        if (row := f"{child}.{index}") not in copied:
            copied.add(row)
            resolved[child][index] = dict(body[child][index])
        resolved[child][index][place.field] = id
    return resolved


def _unknown(place: _Place) -> FieldError:
    params = {"doctype": place.target.doctype, "name": place.target.name[:_MAX_SHOWN]}
    return FieldError(place.path, "invalid_link", params=params)


def _names_of(value: Any) -> Iterator[LinkName]:
    if isinstance(value, LinkName):
        yield value
    elif isinstance(value, tuple):
        yield from (one for one in value if isinstance(one, LinkName))


def _filter_with_ids(where: Filter, ids: _Ids) -> Filter:
    match where:
        case And(parts):
            return And(tuple(_filter_with_ids(part, ids) for part in parts))
        case Or(parts):
            return Or(tuple(_filter_with_ids(part, ids) for part in parts))
        case Not(part):
            return Not(_filter_with_ids(part, ids))
        case Comparison(field, operator, LinkName() as name):
            if name in ids:
                return Comparison(field, operator, ids[name])
            return NOTHING if operator == "eq" else EVERYTHING
        case Comparison(field, operator, tuple(values)):
            known = (ids.get(one) if isinstance(one, LinkName) else one for one in values)
            return Comparison(field, operator, tuple(one for one in known if one is not None))
    return where
