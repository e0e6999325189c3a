"""`LinkService`: checks that link targets exist and are readable by the caller, and copies fetched fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import FieldError, LinkTargetError, ValidationError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.shape_cache import shape_caches

__all__ = ["LinkService"]

type _Holder = tuple[str, Mapping[str, FieldSpec], MutableMapping[str, Any], Mapping[str, Any]]
"""What holds link fields, a document or a row: path, field specs, current values and previous values."""

_MOST_TARGETS = 1_000
"""New link targets of one DocType in one write; each is looked up and locked."""


@dataclass(slots=True)
class _Wanted:
    """A target that a document links to, with the fields to fetch from it."""

    id: UUID
    fields: set[str] = field(default_factory=set)


type _Targets = Mapping[HashKey, _Wanted]
type _Found = dict[HashKey, Mapping[str, Any]]


class LinkService:
    """Checks of a document's new links, in its unit of work."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._reader = reader
        self._permissions = permissions
        self._prepare = shape_caches(reader.prepare)

    async def resolve(
        self,
        unit: UnitOfWorkProtocol | None,
        context: RequestContext,
        plan: CompiledDocType,
        values: MutableMapping[str, Any],
        before: Mapping[str, Any],
    ) -> None:
        """Lock the targets of links that differ from `before` and fill the fields fetched from them.

        Without a unit of work, targets are not locked. Raises LinkTargetError naming every link whose target is
        missing, deleted or not readable, without distinguishing these, and ValidationError for links to too many
        documents.
        """
        holders = list(_holders(plan, values, before))
        wanted = _wanted(holders)
        if not wanted and not any(_has_cleared(specs, now, was) for _, specs, now, was in holders):
            return
        _check_count(wanted)
        found = {target: await self._targets(unit, context, target, ids) for target, ids in wanted.items()}
        problems = [problem for holder in holders for problem in _settle(holder, found)]
        if problems:
            raise LinkTargetError("a link points to no document that you can read", problems)

    async def readable(self, context: RequestContext, doctypes: Iterable[str]) -> list[str]:
        """Return the names of the DocTypes that the caller has a grant to read, sorted."""
        plans = [context.registry.get(name) for name in sorted({*doctypes})]
        return [plan.name for plan in plans if await self._permissions.find(context, plan, "read")]

    async def _targets(
        self, unit: UnitOfWorkProtocol | None, context: RequestContext, doctype: str, targets: _Targets
    ) -> _Found:
        """Return the targets that the caller may read or, if nothing is fetched from them, select."""
        plan: CompiledDocType = context.registry.get(doctype)
        found = await self._granted(unit, context, plan, "read", targets)
        rest = {key: target for key, target in targets.items() if key not in found and not target.fields}
        return {**found, **await self._granted(unit, context, plan, "select", rest)} if rest else found

    async def _granted(
        self,
        unit: UnitOfWorkProtocol | None,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        targets: _Targets,
    ) -> _Found:
        grant = await self._permissions.find(context, plan, action)
        known = [target for target in targets.values() if grant and grant.readable.issuperset(target.fields)]
        if grant is None or not known:
            return {}
        fields = sorted(set[str]().union(*(target.fields for target in known)))
        columns = plan.columns if grant.evaluate else ("id", *(name for name in fields if name != "id"))
        live = (Comparison("id", "in", tuple(target.id for target in known)), Comparison("deleted_at", "is_null", True))
        where, parameters = parameterize(And((*live, self._permissions.bound_scope(grant, context.principal))))
        template = QueryTemplate(plan, columns, where, lock="share" if unit else None)
        handle = self._prepare.of(context.registry)(template)
        fetched = unit.fetch(handle, parameters) if unit else self._reader.fetch(context, handle, parameters)
        rows = [dict(zip(columns, row, strict=True)) for row in await fetched]
        if grant.evaluate:
            rows = [*compress(rows, await self._permissions.covers_each(context, plan, action, grant, rows))]
        return {hash_key(row["id"]): row for row in rows}


def _holders(plan: CompiledDocType, values: MutableMapping[str, Any], before: Mapping[str, Any]) -> Iterator[_Holder]:
    yield "", plan.fields, values, before
    for name, child in plan.children.items():
        known = {hash_key(row["id"]): row for row in before.get(name, ())}
        for place, row in enumerate(values.get(name) or ()):
            now = row if isinstance(row, dict) else row.__dict__
            yield f"{name}.{place}.", child.fields, now, known.get(hash_key(now["id"]), {})


def _wanted(holders: Iterable[_Holder]) -> dict[str, dict[HashKey, _Wanted]]:
    """Return the targets of new links, by DocType."""
    wanted: dict[str, dict[HashKey, _Wanted]] = {}
    for _, specs, now, was in holders:
        for name, target in _new_links(specs, now, was):
            known = wanted.setdefault(target, {}).setdefault(hash_key(now[name]), _Wanted(now[name]))
            known.fields.update(_fetched(specs, name))
    return wanted


def _check_count(wanted: Mapping[str, _Targets]) -> None:
    problems = [
        FieldError(
            "*",
            "out_of_bounds",
            params={"max_links": _MOST_TARGETS, "doctype": target, "count": len(targets)},
        )
        for target, targets in wanted.items()
        if len(targets) > _MOST_TARGETS
    ]
    if problems:
        raise ValidationError("the document links to too many documents", problems)


def _new_links(
    specs: Mapping[str, FieldSpec], now: Mapping[str, Any], was: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name, spec in specs.items():
        value = now.get(name)
        if spec.link and value is not None and value != was.get(name):
            yield name, spec.link


def _has_cleared(specs: Mapping[str, FieldSpec], now: Mapping[str, Any], was: Mapping[str, Any]) -> bool:
    return any(spec.link and now.get(name) is None and was.get(name) is not None for name, spec in specs.items())


def _fetched(specs: Mapping[str, FieldSpec], link: str) -> Iterator[str]:
    for spec in specs.values():
        source, _, field = (spec.fetch_from or "").partition(".")
        if source == link:
            yield field


def _settle(holder: _Holder, found: Mapping[str, _Found]) -> Iterator[FieldError]:
    at, specs, now, was = holder
    for name, target in _new_links(specs, now, was):
        row = found[target].get(hash_key(now[name]))
        if row is None:
            yield FieldError(at + name, "invalid_link", params={"doctype": target})
        else:
            _fill(specs, name, now, row)
    for name, spec in specs.items():
        if spec.link and now.get(name) is None:
            _fill(specs, name, now, {})


def _fill(specs: Mapping[str, FieldSpec], link: str, now: MutableMapping[str, Any], row: Mapping[str, Any]) -> None:
    for name, spec in specs.items():
        source, _, field = (spec.fetch_from or "").partition(".")
        if source == link:
            now[name] = row.get(field)
