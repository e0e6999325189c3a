"""Which apps' migrations come before those of others: an app's tables are made before others link to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from framework_m_core.domain.context import RegistryView
from framework_m_core.registry.compiled import BUILT_IN_APP, CompiledDocType

__all__ = ["find_prerequisites", "sort_apps"]


def find_prerequisites(registry: RegistryView) -> Mapping[str, frozenset[str]]:
    """Return for each app the apps that declare DocTypes to which its tables link, or to which its overrides add."""
    found: dict[str, set[str]] = {}
    for plan in registry.doctypes.values():
        for app, other in _needs(plan, registry):
            if app != other and BUILT_IN_APP not in (app, other):
                found.setdefault(app, set()).add(other)
    return {app: frozenset(others) for app, others in found.items()}


def _needs(plan: CompiledDocType, registry: RegistryView) -> Iterator[tuple[str, str]]:
    """Yield each app that states a part of a DocType's tables, with an app whose tables that part needs."""
    links = [(plan.additions.fields.get(name, plan.app), target) for name, target in plan.links.items()]
    yield from ((app, plan.app) for app in plan.additions.fields.values())
    for name, child in plan.children.items():
        holder = plan.additions.fields.get(name, plan.app)
        yield from ((app, holder) for app in child.additions.fields.values())
        links += [(child.additions.fields.get(field, holder), target) for field, target in child.links.items()]
    yield from ((app, registry.doctypes[target].app) for app, target in links)


def sort_apps(apps: Iterator[str] | tuple[str, ...], needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Sort apps after those that they need, else as they are; apps that need each other stay as they are."""
    left, ordered = list(apps), list[str]()
    while left:
        ready = (app for app in left if needs.get(app, frozenset()).isdisjoint({*left} - {app}))
        ordered.append(next(ready, left[0]))
        left.remove(ordered[-1])
    return ordered
