"""`Registry`: the compiled declarations, immutable and swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.errors import DocTypeNotFoundError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.dependencies import Dependencies
from framework_m_core.registry.derived import DerivedValues
from framework_m_core.registry.endpoints import Endpoint
from framework_m_core.registry.extensions import Extensions
from framework_m_core.registry.write_stages import STAGES, PlacedStage

__all__ = ["Referrer", "Registry"]


@dataclass(frozen=True, slots=True)
class Referrer:
    """A link field that points to a DocType; `child` names the child table that holds it, if one does."""

    doctype: str
    field: str
    child: str | None = None


@dataclass(frozen=True, eq=False)
class Registry:
    """All DocTypes, event handlers and callable functions of the app."""

    doctypes: Mapping[str, CompiledDocType]
    handlers: Mapping[tuple[str, str], tuple[EventHandler, ...]]
    functions: Mapping[str, Endpoint] = field(default_factory=dict)
    dependencies: Mapping[Any, Dependencies] = field(default_factory=dict)
    """The ports that controller classes, handlers and callable functions request."""
    child_tables: Mapping[str, CompiledDocType] = field(default_factory=dict)
    """DocTypes whose documents are rows of others, and are read and written only with them."""
    stages: tuple[PlacedStage, ...] = STAGES
    """The stages of writes in their order, with those that apps and packages declare."""
    extensions: Extensions = field(default_factory=Extensions)
    """The field types, actions and `ext` namespaces of packages."""
    derived: DerivedValues = field(default_factory=dict, init=False, repr=False)
    """The values computed by `Derived`."""

    def get(self, name: str) -> CompiledDocType:
        """Return a compiled DocType. Raises DocTypeNotFoundError."""
        plan = self.doctypes.get(name)
        if plan is None:
            meant = ": it is a child table, whose rows are part of other documents" if name in self.child_tables else ""
            meant = meant or did_you_mean(name, self.doctypes)
            raise DocTypeNotFoundError(f"there is no DocType {name!r}", meant=meant, doctype=name)
        return plan

    def handlers_of(self, doctype: str, event_type: str) -> tuple[EventHandler, ...]:
        """Return the handlers of one type of event, in order of declaration."""
        return self.handlers.get((doctype, event_type), ())

    @property
    def actions(self) -> Mapping[str, Action]:
        """All actions by name, the framework's first."""
        return self.extensions.actions

    @cached_property
    def roles(self) -> frozenset[str]:
        """Every role that any DocType names."""
        plans = self.doctypes.values()
        return frozenset().union(
            *(plan.meta.roles for plan in plans),
            *(child.meta.roles for plan in plans for child in plan.children.values()),
        )

    @cached_property
    def referrers(self) -> Mapping[str, tuple[Referrer, ...]]:
        """For each DocType, the link fields that point to it."""
        found: dict[str, list[Referrer]] = {}
        for plan in self.doctypes.values():
            for link, target in plan.links.items():
                found.setdefault(target, []).append(Referrer(plan.name, link))
            for child in plan.children.values():
                for link, spec in child.fields.items():
                    if spec.link:
                        found.setdefault(spec.link, []).append(Referrer(plan.name, link, child.field))
        return MappingProxyType({name: tuple(referrers) for name, referrers in found.items()})
