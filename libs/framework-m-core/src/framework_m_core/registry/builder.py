"""Collects declared classes and compiles them into a registry, or lists all their errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.controllers.rpc import CallMark, call_mark
from framework_m_core.controllers.write_stage import StageFunction, StageMark
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, attribute_of
from framework_m_core.domain.documents.meta import MetaOptions, read_meta
from framework_m_core.domain.documents.naming import IdNaming, NamingRule, parse_naming
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.ext import validate_ext
from framework_m_core.domain.fields.field import stated_ext
from framework_m_core.domain.fields.spec import FieldSpec, read_field_spec
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.checks import check_field_name, check_name, check_plan
from framework_m_core.registry.class_checks import (
    check_controller,
    check_default,
    check_keywords,
    check_own_fields,
    check_stage_function,
    option_error,
)
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.registry.dependencies import (
    INJECTABLE_PORTS,
    UNREADABLE,
    Dependencies,
    check_dependencies,
    dependencies_of,
)
from framework_m_core.registry.endpoints import Endpoint, check_endpoint, compile_endpoint, function_path
from framework_m_core.registry.events.consumers import compile_consumers
from framework_m_core.registry.events.event_types import compile_event_types
from framework_m_core.registry.extensions import Extensions
from framework_m_core.registry.overrides import (
    chained,
    check_override,
    compose,
    is_child_table,
    is_override,
    overridden,
    stated_options,
    unlisted_base,
)
from framework_m_core.registry.registry import Registry
from framework_m_core.registry.reuse import is_compiled_of, is_composed_of
from framework_m_core.registry.write_stages import STAGES, DeclaredStage, PlacedStage, arrange_stages, check_stage

__all__ = ["RegistryBuilder"]

_FRAMEWORK_ATTRIBUTES = frozenset(attribute_of(name) for name in FRAMEWORK_FIELDS)


class RegistryBuilder:
    """Collects classes in the order of their apps; `freeze` compiles them."""

    def __init__(self, extensions: Extensions | None = None) -> None:
        self._extensions = extensions or Extensions()
        self._models: dict[str, tuple[type[BaseModel], str]] = {}
        self._overrides: list[type[BaseModel]] = []
        self._controllers: dict[type, type[Controller[Any]]] = {}
        self._handlers: list[tuple[EventHandler, str]] = []
        self._consumers: list[EventHandler] = []
        self._event_types: list[tuple[type[BaseModel], str]] = []
        self._functions: list[Callable[..., Any]] = []
        self._stages: list[DeclaredStage] = []
        self._ports: list[type] = [*INJECTABLE_PORTS.values()]
        self._problems: list[str] = []
        self._parts: Mapping[type[BaseModel], tuple[type[BaseModel], ...]] = {}
        self._known: Mapping[str, CompiledDocType] = {}

    @property
    def models(self) -> Mapping[str, type[BaseModel]]:
        """The declared classes by name, including child tables."""
        return {name: model for name, (model, _) in self._models.items()}

    def add_doctype(self, model: type[BaseModel], app: str) -> None:
        """Register a DocType of an app, or an override of another app's."""
        if is_override(model):
            self._overrides.append(model)
            return
        for name, (known, _) in self._models.items():
            if name.lower() == model.__name__.lower() and known is not model:
                self._problem(model, f"the name is already taken by {_place(known)}, ignoring case")
                return
        self._models[model.__name__] = (model, app)

    def add_controller(self, controller: type[Controller[Any]]) -> None:
        """Register the controller of the DocType that its type argument names."""
        doctype = getattr(controller, "doctype", None)
        for problem in check_controller(controller):
            self._problem(controller, problem)
        if not isinstance(doctype, type):
            self._problem(controller, "expected the DocType as type argument: class XController(Controller[X])")
        elif self._controllers.setdefault(doctype, controller) is not controller:
            self._problem(controller, f"{doctype.__name__} already has one: {_place(self._controllers[doctype])}")

    def add_handler(self, function: EventHandler, app: str) -> None:
        """Register an app's function marked with `@on`."""
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

    def add_write_stage(self, function: StageFunction, mark: StageMark) -> None:
        """Register a function marked with `@write_stage`, by its mark."""
        stage = DeclaredStage(function, mark)
        if stage not in self._stages:
            self._stages.append(stage)

    def add_port(self, protocol: type) -> None:
        """Register an app's own protocol, which controllers and functions may request by annotation."""
        self._ports.append(protocol)

    def freeze(self, previous: Registry | None = None) -> Registry:
        """Compile everything. Raises ConfigurationError listing all errors.

        Compiled DocTypes of unchanged classes are reused from `previous`, with their derived values.
        """
        reusable = previous is not None and previous.extensions == self._extensions
        self._known = {**previous.doctypes, **previous.child_tables} if previous and reusable else {}
        overrides = self._overrides_by_doctype()
        composed = self._composed(overrides)
        self._parts = {model: (declared, *overrides.get(declared, ())) for declared, model in composed.items()}
        plans = {name: self._compile(composed[model], app) for name, (model, app) in self._models.items()}
        for plan in plans.values():
            for problem in check_plan(plan, _documents(plans)):
                self._problem(plan.model, problem)
        for doctype, controller in self._controllers.items():
            if doctype.__name__ not in self._models and doctype not in self._overrides:
                self._problem(controller, f"its DocType {doctype.__name__} is not registered")
        documents = _documents(plans)
        dependencies = self._dependencies()
        types = compile_event_types(self._event_types, plans, self._problem)
        consumers = compile_consumers(self._handlers, self._consumers, plans, types, dependencies, self._problem)
        functions = self._calls(documents)
        stages = self._placed_stages(documents, dependencies)
        if self._problems:
            raise ConfigurationError("the declared DocTypes are not valid:", self._problems)
        child_tables = {name: plan for name, plan in plans.items() if name not in documents}
        return Registry(documents, consumers, functions, dependencies, child_tables, types, stages, self._extensions)

    def _dependencies(self) -> dict[Any, Dependencies]:
        """Return the requested ports by class of controllers and field types, event handler, function and method."""
        found: dict[Any, Dependencies] = {}
        for controller in self._controllers.values():
            for problem in check_dependencies(controller, self._ports):
                self._problem(controller, problem)
        members = [vars(controller).values() for controller in self._controllers.values()]
        methods = [member for member in chain.from_iterable(members) if call_mark(member)]
        stages = [stage.function for stage in self._stages]
        types = [type(field_type) for field_type in self._extensions.field_types]
        called = (*(function for function, _ in self._handlers), *self._consumers, *stages)
        for holder in (*self._controllers.values(), *called, *self._functions, *methods, *types):
            try:
                if wanted := dependencies_of(holder, self._ports):
                    found[holder] = wanted
            except UNREADABLE as error:
                if holder in called:
                    self._problem(holder, f"its annotations cannot be resolved at run time: {error}")
        return found

    def _overrides_by_doctype(self) -> dict[type[BaseModel], list[type[BaseModel]]]:
        declared = {name: model for name, (model, _) in self._models.items()}
        found: dict[type[BaseModel], list[type[BaseModel]]] = {}
        for override in self._overrides:
            base = overridden(override, declared)
            if base is None:
                self._problem(override, f"Meta.overrides: {unlisted_base(override)}")
                continue
            before = found.setdefault(base, [])
            for problem in check_override(base, before, override, self._extensions.types):
                self._problem(override, problem)
            before.append(override)
        return found

    def _composed(
        self, overrides: Mapping[type[BaseModel], Sequence[type[BaseModel]]]
    ) -> dict[type[BaseModel], type[BaseModel]]:
        """Return the composed class of each declared one, composing child tables first, since documents hold them."""
        rows = {base: self._compose(base, parts, {}) for base, parts in overrides.items() if is_child_table(base)}
        declared = [model for model, _ in self._models.values()]
        return {base: rows.get(base) or self._compose(base, overrides.get(base, ()), rows) for base in declared}

    def _compose(
        self,
        base: type[BaseModel],
        overrides: Sequence[type[BaseModel]],
        rows: Mapping[type[BaseModel], type[BaseModel]],
    ) -> type[BaseModel]:
        known = self._known.get(base.__name__)
        if known is not None and is_composed_of(known, base, overrides, rows):
            return known.model
        try:
            return compose(base, overrides, rows)
        except (TypeError, pydantic.PydanticUserError) as error:
            self._problem(base, f"its overrides conflict: {error}")
            return base

    def _compile(self, model: type[BaseModel], app: str) -> CompiledDocType:
        """Compile a DocType; invalid parts are recorded as errors and left out."""
        controllers = [self._controllers[part] for part in self._parts[model] if part in self._controllers]
        known = self._known.get(model.__name__)
        if known is not None and is_compiled_of(known, model, app, controllers):
            return known
        meta = self._meta(model)
        for problem in check_name(model.__name__):
            self._problem(model, problem)
        fields = self._fields(model)
        children = {name: self._child(name, spec.child) for name, spec in fields.items() if spec.child}
        if meta.is_child_table and children:
            self._problem(model, "a child table cannot hold child tables")
        return CompiledDocType(
            name=model.__name__,
            module=meta.module or app,
            app=app,
            model=model,
            meta=meta,
            fields=fields,
            children=children,
            naming=self._naming(model, meta.naming),
            controller=chained(controllers),
            calls=self._methods(model, controllers),
            overrides=self._parts[model][1:],
        )

    def _meta(self, model: type[BaseModel]) -> MetaOptions:
        try:
            return self._with_ext(model, read_meta(model, actions=(*self._extensions.actions,)))
        except pydantic.ValidationError as error:
            for fault in error.errors():
                option = ".".join(str(part) for part in fault["loc"])
                place = self._part_with(model, str(fault["loc"][0]) if fault["loc"] else "", stated_options)
                self._problem(place, f"Meta.{option}: {option_error(fault, option)}")
            wrong = {"ext", *(fault["loc"][0] for fault in error.errors() if fault["loc"])}
            return read_meta(model, without=wrong, actions=(*self._extensions.actions,))

    def _with_ext(self, model: type[BaseModel], meta: MetaOptions) -> MetaOptions:
        """Return the options with those of third parties as their models have validated them."""
        errors: list[str] = []
        ext = validate_ext(meta.ext, self._extensions.doctype_models, errors)
        for error in errors:
            self._problem(self._part_with(model, "ext", stated_options), f"Meta.{error}")
        return meta.model_copy(update={"ext": ext}) if meta.ext else meta

    def _fields(self, model: type[BaseModel]) -> dict[str, FieldSpec]:
        fields = {}
        for part in self._parts.get(model, (model,)):
            for problem in check_own_fields(part):
                self._problem(part, problem)
        for name, info in model.model_fields.items():
            if name not in _FRAMEWORK_ATTRIBUTES and (spec := self._field(model, name, info)) is not None:
                fields[name] = spec
        if model.model_computed_fields:
            computed = ", ".join(model.model_computed_fields)
            self._problem(model, f"computed fields ({computed}) are not stored: set a read_only field in validate()")
        return fields

    def _field(self, model: type[BaseModel], name: str, info: FieldInfo) -> FieldSpec | None:
        place = self._part_with(model, name, inspect.get_annotations)
        for problem in (*check_field_name(name), *check_keywords(name, info)):
            self._problem(place, problem)
        if info.alias or info.validation_alias or info.serialization_alias:
            self._problem(place, f"field {name!r}: aliases are not supported: rename the field instead")
        try:
            spec = read_field_spec(name, info, self._extensions.types)
        except (ValueError, TypeError) as error:
            self._problem(place, f"field {name!r}: {error}")
            return None
        errors: list[str] = []
        ext = validate_ext(stated_ext(info), self._extensions.field_models, errors)
        for problem in (*check_default(spec, info), *(f"field {name!r}: {error}" for error in errors)):
            self._problem(place, problem)
        return replace(spec, ext=ext) if ext else spec

    def _part_with(
        self, model: type[BaseModel], name: str, stated: Callable[[type[BaseModel]], Mapping[str, Any]]
    ) -> type[BaseModel]:
        """Return the class that states a name: the last such part of a composed class, else the declared one."""
        parts = self._parts.get(model, (model,))
        return next((part for part in reversed(parts) if name in stated(part)), parts[0])

    def _child(self, field: str, model: type[BaseModel]) -> CompiledChildTable:
        declared = self._parts.get(model, (model,))[0]
        return CompiledChildTable(field, model.__name__, model, self._meta(model), self._fields(model), declared)

    def _methods(self, model: type[BaseModel], controllers: Sequence[type[Controller[Any]]]) -> dict[str, Endpoint]:
        """Return the callable methods of a DocType's controllers, by name."""
        found: dict[str, Endpoint] = {}
        for controller in controllers:
            members = [(name, member) for name, member in inspect.getmembers(controller) if call_mark(member)]
            for name, member in members:
                known = found.get(name)
                if known is not None and known.controller and not issubclass(controller, known.controller):
                    self._problem(controller, f"{name} is taken by {_place(known.controller)}: rename it")
                elif (call := self._call(member, model.__name__, controller)) is not None:
                    found[name] = call
        return found

    def _calls(self, documents: dict[str, CompiledDocType]) -> dict[str, Endpoint]:
        """Return the callable functions, by path."""
        found: dict[str, Endpoint] = {}
        for function in self._functions:
            path = function_path(function, call_mark(function) or CallMark())
            call = self._call(function)
            if path in found:
                self._problem(function, f"the path {path!r} is already taken by {_place(found[path].function)}")
            elif call is not None:
                found[path] = call
        for call in found.values():
            if call.doctype is not None and call.doctype not in documents:
                meant = did_you_mean(call.doctype, documents)
                self._problem(
                    call.function, f"it requires a permission on {call.doctype!r}, which is not a DocType{meant}"
                )
        return found

    def _call(
        self, function: Any, doctype: str | None = None, controller: type[Controller[Any]] | None = None
    ) -> Endpoint | None:
        mark = call_mark(function) or CallMark()
        problems = list(check_endpoint(function, mark, self._extensions.actions))
        for problem in problems:
            self._problem(function, problem)
        if problems:
            return None
        try:
            return compile_endpoint(function, mark, doctype, controller, self._ports)
        except (*UNREADABLE, pydantic.PydanticUserError) as error:
            self._problem(function, f"its arguments cannot be validated: {error}")
            return None

    def _naming(self, model: type[BaseModel], pattern: str | None) -> NamingRule:
        try:
            return parse_naming(pattern)
        except ValueError as error:
            self._problem(model, f"Meta.naming: {error}")
            return IdNaming()

    def _placed_stages(
        self, documents: Mapping[str, CompiledDocType], dependencies: Mapping[Any, Dependencies]
    ) -> tuple[PlacedStage, ...]:
        """Return the stages of writes in their order."""
        named: dict[str, DeclaredStage] = {}
        for stage in self._stages:
            named.setdefault(stage.mark.name, stage)
        placed = arrange_stages([stage for name, stage in named.items() if name not in STAGES])
        for stage in self._stages:
            for problem in check_stage_function(stage.function, dependencies.get(stage.function, {})):
                self._problem(stage.function, problem)
            for problem in check_stage(stage, named, placed, [*documents]):
                self._problem(stage.function, problem)
        return placed

    def _problem(self, where: Any, text: str) -> None:
        line = f"{_place(where)}: {text}"
        if line not in self._problems:
            self._problems.append(line)


def _documents(plans: dict[str, CompiledDocType]) -> dict[str, CompiledDocType]:
    return {name: plan for name, plan in plans.items() if not plan.meta.is_child_table}


def _place(declared: Any) -> str:
    """Return the location of a class or function: module, name, and line if the source is available."""
    try:
        line = f":{inspect.getsourcelines(declared)[1]}"
    except (OSError, TypeError):
        line = ""
    return f"{declared.__module__}.{declared.__qualname__}{line}"
