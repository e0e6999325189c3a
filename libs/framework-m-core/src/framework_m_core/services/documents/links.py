"""`LinkService`: checks that link targets exist and are readable by the caller, and copies fetched fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import FieldError, LinkTargetError, ValidationError
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.validation import revalidate
from framework_m_core.services.links.names import LinkNames
from framework_m_core.services.links.targets import LinkTargets, hide_unknown_doctypes, refuse_too_many
from framework_m_core.services.permissions.service import PermissionService

__all__ = ["LinkService", "check_fetched", "clear_stale_fetches"]

type _Holder = tuple[str, CompiledDocType | CompiledChildTable, MutableMapping[str, Any], Mapping[str, Any]]
"""What holds link fields, a document or a row: path, its declaration, current values and previous values."""


@dataclass(slots=True)
class _Target:
    """A target that a document links to, with the fields to fetch from it."""

    id: UUID
    fields: set[str] = field(default_factory=set)


type _Targets = Mapping[HashKey, _Target]
type _Found = dict[HashKey, Mapping[str, Any]]


class LinkService:
    """Checks of a document's new links, in its unit of work."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._permissions = permissions
        self._read = LinkTargets(reader, permissions)
        self._names = LinkNames(reader, permissions)

    async def resolve(
        self,
        unit: UnitOfWorkProtocol | None,
        context: RequestContext,
        plan: CompiledDocType,
        values: MutableMapping[str, Any],
        before: Mapping[str, Any],
    ) -> bool:
        """Lock the targets of links that differ from `before`, fill the fields fetched from them, and return if it did.

        Links that are themselves fetched follow those that they are fetched over. Without a unit of work, targets are
        not locked. Raises LinkTargetError naming every link whose target is missing, deleted or not readable, without
        distinguishing these, and ValidationError for links to too many documents.
        """
        holders = list(_holders(plan, values, before))
        if not any(_has_changed(table, now, was) for _, table, now, was in holders):
            return False
        for level in range(max(len(table.link_levels) for _, table, _, _ in holders)):
            wanted = _new_targets(holders, level)
            counts = {target: len(ids) for target, ids in wanted.items()}
            await refuse_too_many(self._permissions, context, counts)
            found = {target: await self._targets(unit, context, target, ids) for target, ids in wanted.items()}
            errors = [error for holder in holders for error in _fill_fetched(holder, level, found)]
            if errors:
                raise LinkTargetError(
                    "a link points to no document that you can read", await self.redact_names(context, errors)
                )
        return plan.has_fetches

    async def resolve_names(self, context: RequestContext, plan: CompiledDocType, document: BaseModel) -> None:
        """Replace the names that code of an app has set in links by ids. Raises LinkTargetError."""
        if plan.has_links:
            await self._names.resolve_attributes(context, plan, document)

    async def redact_names(self, context: RequestContext, errors: Sequence[FieldError]) -> list[FieldError]:
        """Return errors without the names of DocTypes that the caller has no grant for."""
        return await hide_unknown_doctypes(self._permissions, context, errors)

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
        wanted = Comparison("id", "in", tuple(target.id for target in known))
        rows = await self._read.find(context, plan, action, grant, wanted, fields, unit)
        return {hash_key(row["id"]): row for row in rows}


def _holders(plan: CompiledDocType, values: MutableMapping[str, Any], before: Mapping[str, Any]) -> Iterator[_Holder]:
    yield "", plan, values, before
    for name, child in plan.children.items():
        known = {hash_key(row["id"]): row for row in before.get(name, ())}
        for place, row in enumerate(values.get(name) or ()):
            now = row if isinstance(row, dict) else row.__dict__
            yield (
                f"{name}.{place}.",
                child,
                now,
                known.get(hash_key(id), {}) if isinstance(id := now["id"], UUID) else {},
            )


def _new_targets(holders: Iterable[_Holder], level: int) -> dict[str, dict[HashKey, _Target]]:
    """Return the targets of new links of a level, by DocType."""
    wanted: dict[str, dict[HashKey, _Target]] = {}
    for _, table, now, was in holders:
        for name, target in _new_links(table, level, now, was):
            known = wanted.setdefault(target, {}).setdefault(hash_key(now[name]), _Target(now[name]))
            known.fields.update(source for _, source in table.fetched_over.get(name, ()))
    return wanted


def _links(table: CompiledDocType | CompiledChildTable, level: int) -> Mapping[str, str]:
    return table.link_levels[level] if level < len(table.link_levels) else {}


def _new_links(
    table: CompiledDocType | CompiledChildTable, level: int, now: Mapping[str, Any], was: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name, target in _links(table, level).items():
        value = now.get(name)
        if value is not None and value != was.get(name):
            yield name, target


def _has_changed(table: CompiledDocType | CompiledChildTable, now: Mapping[str, Any], was: Mapping[str, Any]) -> bool:
    return any(now.get(name) != was.get(name) for links in table.link_levels for name in links)


def _fill_fetched(holder: _Holder, level: int, found: Mapping[str, _Found]) -> Iterator[FieldError]:
    at, table, now, was = holder
    for name, target in _new_links(table, level, now, was):
        row = found[target].get(hash_key(now[name]))
        if row is None:
            yield FieldError(at + name, "invalid_link", params={"doctype": target})
        else:
            _fill(table, name, now, row)
    for name in _links(table, level):
        if now.get(name) is None:
            _fill(table, name, now, {})


def _fill(
    table: CompiledDocType | CompiledChildTable, link: str, now: MutableMapping[str, Any], row: Mapping[str, Any]
) -> None:
    for name, source in table.fetched_over.get(link, ()):
        now[name] = row.get(source)


def clear_stale_fetches(plan: CompiledDocType, values: MutableMapping[str, Any], before: Mapping[str, Any]) -> None:
    """Empty the fields fetched over links that differ from `before`, as `resolve` fills them anew."""
    for _, table, now, was in _holders(plan, values, before):
        stale = [name for links in table.link_levels for name in links if now.get(name) != was.get(name)]
        while stale:
            for name, _ in table.fetched_over.get(stale.pop(), ()):
                now[name] = None
                stale.append(name)


def check_fetched(plan: CompiledDocType, document: BaseModel, stored: Mapping[str, Any]) -> BaseModel:
    """Return a document with its fetched values validated as a whole. Raises ValidationError naming their links."""
    try:
        return revalidate(plan, document, stored)
    except ValidationError as error:
        raise ValidationError(error.message, [_at_link(plan, one) for one in error.errors]) from None


def _at_link(plan: CompiledDocType, error: FieldError) -> FieldError:
    """Return an error in a fetched field as one of the link that it is fetched over."""
    rows, _, name = error.field.rpartition(".")
    child = plan.children.get(rows.partition(".")[0])
    spec = (child.fields if child else plan.fields).get(name)
    if spec is None or not spec.fetch_from:
        return error
    link, _, source = spec.fetch_from.partition(".")
    at = f"{rows}.{link}" if rows else link
    return FieldError(at, "invalid_fetch", params={"source": source, "fetched": name})
