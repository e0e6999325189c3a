"""`RegistryBuilder`: collects declared classes and compiles them into a registry, or lists all their errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from itertools import chain
from typing import Any

from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.declaration import Declaration, Declared, declaration_of, declarations_of
from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.controllers.rpc import CallMark
from framework_m_core.controllers.write_stage import StageFunction, StageMark
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compilation.checks.classes import check_controller, check_stage_function
from framework_m_core.registry.compilation.checks.doctypes import check_plan
from framework_m_core.registry.compilation.checks.option_effects import check_effects
from framework_m_core.registry.compilation.consumers import compile_consumers
from framework_m_core.registry.compilation.doctypes import DocTypeCompiler
from framework_m_core.registry.compilation.endpoints import EndpointCompiler
from framework_m_core.registry.compilation.errors import DeclarationErrors, place_of
from framework_m_core.registry.compilation.event_types import compile_event_types
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.dependencies import (
    INJECTABLE_PORTS,
    OF_CONTEXT,
    UNREADABLE,
    Dependencies,
    check_dependencies,
    dependencies_of,
)
from framework_m_core.registry.extensions import Extensions
from framework_m_core.registry.overrides import is_override
from framework_m_core.registry.registry import Registry
from framework_m_core.registry.write_stages import STAGES, DeclaredStage, PlacedStage, arrange_stages, check_stage

__all__ = ["RegistryBuilder"]


class RegistryBuilder:
    """Collects classes in the order of their apps; `freeze` compiles them."""

    def __init__(self, extensions: Extensions | None = None) -> None:
        self._extensions = extensions or Extensions()
        self._models: dict[str, tuple[type[BaseModel], str]] = {}
        self._overrides: dict[type[BaseModel], str] = {}
        self._controllers: dict[type, type[Controller[Any]]] = {}
        self._handlers: list[tuple[EventHandler, str]] = []
        self._consumers: list[EventHandler] = []
        self._event_types: list[tuple[type[BaseModel], str]] = []
        self._functions: list[Callable[..., Any]] = []
        self._stages: list[DeclaredStage] = []
        self._declared: dict[type, list[Declared[Any]]] = {}
        self._ports: list[type] = [*INJECTABLE_PORTS.values()]
        self._errors = DeclarationErrors()

    @property
    def models(self) -> Mapping[str, type[BaseModel]]:
        """The declared classes by name, including child tables."""
        return {name: model for name, (model, _) in self._models.items()}

    def add_doctype(self, model: type[BaseModel], app: str) -> None:
        """Register a DocType of an app, or an override of another app's."""
        if is_override(model):
            self._overrides.setdefault(model, app)
            return
        for name, (known, _) in self._models.items():
            if name.lower() == model.__name__.lower() and known is not model:
                self._errors.report(model, f"the name is already taken by {place_of(known)}, ignoring case")
                return
        self._models[model.__name__] = (model, app)

    def add_controller(self, controller: type[Controller[Any]]) -> None:
        """Register the controller of the DocType that its type argument names."""
        doctype = getattr(controller, "doctype", None)
        for error in check_controller(controller):
            self._errors.report(controller, error)
        if not isinstance(doctype, type):
            self._errors.report(controller, "expected the DocType as type argument: class XController(Controller[X])")
        elif self._controllers.setdefault(doctype, controller) is not controller:
            self._errors.report(
                controller, f"{doctype.__name__} already has one: {place_of(self._controllers[doctype])}"
            )

    def add_handler(self, function: EventHandler, app: str) -> None:
        """Register an app's function marked with `@on`."""
        if (function, app) not in self._handlers:
            self._handlers.append((function, app))

    def add_consumer(self, function: EventHandler) -> None:
        """Register a function marked with `@consumer`."""
        self._consumers.append(function)

    def add_event_type(self, payload: type[BaseModel], app: str) -> None:
        """Register a model marked with `@event_type` as the payload of an app's event type."""
        self._event_types.append((payload, app))

    def add_function(self, function: Callable[..., Any]) -> None:
        """Register a function marked with `@rpc`."""
        self._functions.append(function)

    def add_write_stage(self, function: StageFunction) -> None:
        """Register a function marked with `@write_stage`."""
        stages = [DeclaredStage(function, mark) for mark in declarations_of(function, StageMark)]
        self._stages += [stage for stage in stages if stage not in self._stages]

    def add(self, declaration: Declaration, declared: Any, app: str) -> None:
        """Register a declaration of a package's own kind, which the registry then holds in `declared`."""
        known, one = self._declared.setdefault(type(declaration), []), Declared(declaration, declared, app)
        if one not in known:
            known.append(one)

    def add_injectable(self, wanted: type) -> None:
        """Register a port's protocol or a model of settings, which controllers and functions may request."""
        self._ports.append(wanted)

    def freeze(self, previous: Registry | None = None) -> Registry:
        """Compile everything. Raises ConfigurationError listing all errors.

        Compiled DocTypes of unchanged classes are reused from `previous`, with their derived values.
        """
        report, extensions = self._errors.report, self._extensions
        reusable = previous is not None and previous.extensions == extensions
        known = {**previous.doctypes, **previous.child_tables} if previous and reusable else {}
        endpoints = EndpointCompiler(extensions.actions, self._ports, report)
        doctypes = DocTypeCompiler(extensions, self._controllers, endpoints, known, report)
        compiled = doctypes.compile_all(self._models, self._overrides)
        documents = {name: plan for name, plan in compiled.items() if not plan.meta.is_child_table}
        self._check_together(compiled.values(), documents)
        dependencies = self._dependencies()
        types = compile_event_types(self._event_types, compiled, report)
        payloads = [model for model, _ in self._event_types]
        consumers = compile_consumers(self._handlers, self._consumers, compiled, payloads, dependencies, report)
        functions = endpoints.compile_functions(self._functions, documents)
        stages = self._placed_stages(documents, dependencies)
        if self._errors.lines:
            raise ConfigurationError("the declared DocTypes are not valid:", self._errors.lines)
        child_tables = {name: plan for name, plan in compiled.items() if name not in documents}
        declared = {kind: tuple(found) for kind, found in self._declared.items()}
        return Registry(
            documents, consumers, functions, dependencies, child_tables, types, stages, extensions, declared
        )

    def _check_together(self, compiled: Collection[CompiledDocType], documents: Mapping[str, CompiledDocType]) -> None:
        """Check what only all DocTypes together show."""
        for plan in compiled:
            for error in (*check_plan(plan, documents), *check_effects(plan, compiled)):
                self._errors.report(plan.model, error)
        for doctype, controller in self._controllers.items():
            if doctype.__name__ not in self._models and doctype not in self._overrides:
                self._errors.report(controller, f"its DocType {doctype.__name__} is not registered")

    def _dependencies(self) -> dict[Any, Dependencies]:
        """Return the requested ports by class of controllers and field types, event handler, function and method."""
        found: dict[Any, Dependencies] = {}
        for controller in self._controllers.values():
            for text in check_dependencies(controller, self._ports):
                self._errors.report(controller, text)
        members = [vars(controller).values() for controller in self._controllers.values()]
        methods = [member for member in chain.from_iterable(members) if declaration_of(member, CallMark)]
        stages = [stage.function for stage in self._stages]
        types = [type(field_type) for field_type in self._extensions.field_types]
        others = [one.target for one in chain(*self._declared.values()) if inspect.isroutine(one.target)]
        by_place = (*(function for function, _ in self._handlers), *self._consumers, *stages)
        called = (*by_place, *others)
        for holder in (*self._controllers.values(), *called, *self._functions, *methods, *types):
            offered = self._ports if holder in by_place or holder not in others else (*self._ports, *OF_CONTEXT)
            try:
                if wanted := dependencies_of(holder, offered):
                    found[holder] = wanted
            except UNREADABLE as error:
                if holder in called:
                    self._errors.report(holder, f"its annotations cannot be resolved at run time: {error}")
        return found

    def _placed_stages(
        self, documents: Mapping[str, CompiledDocType], dependencies: Mapping[Any, Dependencies]
    ) -> tuple[PlacedStage, ...]:
        """Return the stages of writes in their order."""
        named: dict[str, DeclaredStage] = {}
        for stage in self._stages:
            named.setdefault(stage.mark.name, stage)
        placed = arrange_stages([stage for name, stage in named.items() if name not in STAGES])
        for stage in self._stages:
            for error in check_stage_function(stage.function, dependencies.get(stage.function, {})):
                self._errors.report(stage.function, error)
            for error in check_stage(stage, named, placed, [*documents]):
                self._errors.report(stage.function, error)
        return placed
