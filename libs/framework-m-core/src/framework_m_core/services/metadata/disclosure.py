"""`Disclosure`: which links and fetched fields of a DocType may be described to a caller with what they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.permissions.service import PermissionService

__all__ = ["Disclosure", "disclose"]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Paths of fields, such as `items.product`, whose description may name other DocTypes and their fields."""

    links: frozenset[str]
    """Links whose target the caller has a grant for, selecting included."""
    fetches: frozenset[str]
    """Fetched fields whose link the caller sees, and whose source the caller may read."""


async def disclose(
    permissions: PermissionService, context: RequestContext, plan: CompiledDocType, shown: frozenset[str]
) -> Disclosure:
    """Return what may be named to a caller who is shown these fields of a DocType."""
    links, fetches = set[str](), set[str]()
    for path, spec, targets in _related(plan):
        if spec.link and spec.link in await permissions.find_known(context, (spec.link,)):
            links.add(path)
        link, _, source = (spec.fetch_from or "").partition(".")
        at = path.removesuffix(spec.name)
        if source and at + link in shown and source in await _readable(permissions, context, targets[link]):
            fetches.add(path)
    return Disclosure(frozenset(links), frozenset(fetches))


def _related(plan: CompiledDocType) -> Iterator[tuple[str, FieldSpec, dict[str, str]]]:
    """Yield the fields of a DocType and its rows that refer to others: path, spec, and the links beside it."""
    tables = [("", plan.fields), *((f"{name}.", child.fields) for name, child in plan.children.items())]
    for at, fields in tables:
        targets = {name: spec.link for name, spec in fields.items() if spec.link}
        yield from ((at + name, spec, targets) for name, spec in fields.items() if spec.link or spec.fetch_from)


async def _readable(permissions: PermissionService, context: RequestContext, doctype: str) -> frozenset[str]:
    grant = await permissions.find(context, context.registry.get(doctype), "read")
    return grant.readable if grant else frozenset()
