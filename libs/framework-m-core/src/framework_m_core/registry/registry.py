"""`Registry`: the compiled declarations, immutable and swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from framework_m_core.controllers.declaration import Declared
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.errors import DocTypeNotFoundError
from framework_m_core.domain.events import DOC_EVENTS, AnyEvent, PublishedEvent, StoredEvent
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.consumers import CompiledConsumer
from framework_m_core.registry.dependencies import Dependencies
from framework_m_core.registry.derived import DerivedValues
from framework_m_core.registry.endpoints import Endpoint
from framework_m_core.registry.event_types import EventType
from framework_m_core.registry.extensions import Extensions
from framework_m_core.registry.write_stages import STAGES, PlacedStage

__all__ = ["Referrer", "Registry"]

_ENVELOPE = tuple(one.name for one in fields(StoredEvent) if one.name not in {"position", "type", "key"})


@dataclass(frozen=True, slots=True)
class Referrer:
    """A link field that points to a DocType; `child` names the child table that holds it, if one does.

    If it `refuses_cancelled`, its target is not cancelled while a submitted document links to it.
    """

    doctype: str
    field: str
    child: str | None = None
    refuses_cancelled: bool = False


@dataclass(frozen=True, eq=False)
class Registry:
    """All DocTypes, event types, consumers of events and callable functions of the app."""

    doctypes: Mapping[str, CompiledDocType]
    consumers: Mapping[str, CompiledConsumer]
    functions: Mapping[str, Endpoint] = field(default_factory=dict)
    dependencies: Mapping[Any, Dependencies] = field(default_factory=dict)
    """The ports that controller classes, handlers and callable functions request."""
    child_tables: Mapping[str, CompiledDocType] = field(default_factory=dict)
    """DocTypes whose documents are rows of others, and are read and written only with them."""
    event_types: Mapping[str, EventType] = field(default_factory=dict)
    """The apps' event types by name, without the framework's own."""
    stages: tuple[PlacedStage, ...] = STAGES
    """The stages of writes in their order, with those that apps and packages declare."""
    extensions: Extensions = field(default_factory=Extensions)
    """The field types, actions and `ext` namespaces of packages."""
    declared: Mapping[type, tuple[Declared[Any], ...]] = field(default_factory=dict)
    """What packages' own decorators declare, by the class of the declaration."""
    derived: DerivedValues = field(default_factory=dict, init=False, repr=False)
    """The values computed by `Derived`."""

    def __repr__(self) -> str:
        counts = f"{len(self.doctypes)} DocTypes, {len(self.child_tables)} child tables"
        return f"<Registry: {counts}, {len(self.functions)} functions>"

    def get(self, name: str) -> CompiledDocType:
        """Return a compiled DocType. Raises DocTypeNotFoundError."""
        plan = self.doctypes.get(name)
        if plan is None:
            meant = ": it is a child table, whose rows belong to other documents" if name in self.child_tables else ""
            meant = meant or did_you_mean(name, self.doctypes)
            raise DocTypeNotFoundError(f"there is no DocType {name!r}", meant=meant, doctype=name)
        return plan

    @cached_property
    def payload_types(self) -> Mapping[type[BaseModel], EventType]:
        """The apps' event types by their payload models."""
        return {one.model: one for one in self.event_types.values()}

    def knows(self, event_type: str) -> bool:
        """Return whether an event type is the framework's, or declared by an app."""
        return event_type in DOC_EVENTS or event_type in self.event_types

    def decode_event(self, stored: StoredEvent) -> AnyEvent | None:
        """Return a stored event as its type declares it; None for a type that this registry does not know.

        Raises pydantic.ValidationError for a payload that its model does not accept.
        """
        values = {name: getattr(stored, name) for name in _ENVELOPE}
        if kind := DOC_EVENTS.get(stored.type):
            return kind(**values)
        declared = self.event_types.get(stored.type)
        if declared is None:
            return None
        payload = declared.model.model_validate(stored.data)
        return PublishedEvent(**values, type=stored.type, key=stored.key, payload=payload)

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
            tables = ((None, plan.fields), *((child.field, child.fields) for child in plan.children.values()))
            for child, specs in tables:
                for link, spec in specs.items():
                    if spec.link:
                        refuses = self._refuses_cancelled(plan, spec)
                        found.setdefault(spec.link, []).append(Referrer(plan.name, link, child, refuses))
        return MappingProxyType({name: tuple(referrers) for name, referrers in found.items()})

    @cached_property
    def guarded_links(self) -> Mapping[str, Mapping[str, tuple[Referrer, ...]]]:
        """For each DocType, its links that refuse cancelled targets, by the DocType that they point to."""
        found: dict[str, dict[str, tuple[Referrer, ...]]] = {}
        for target, referrers in self.referrers.items():
            for one in referrers:
                if one.refuses_cancelled:
                    links = found.setdefault(one.doctype, {})
                    links[target] = (*links.get(target, ()), one)
        return MappingProxyType(found)

    def _refuses_cancelled(self, plan: CompiledDocType, spec: FieldSpec) -> bool:
        target = self.doctypes.get(spec.link or "")
        if target is None or not target.meta.submittable:
            return False
        return spec.on_cancel == "refuse" or (spec.on_cancel is None and plan.meta.submittable)
