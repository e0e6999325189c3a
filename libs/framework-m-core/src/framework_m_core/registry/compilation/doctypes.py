"""Compiles DocTypes with their overrides, child tables, controllers and methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.documents.doctype import AMENDED_FROM, FRAMEWORK_FIELDS, attribute_of
from framework_m_core.domain.documents.meta import MetaOptions, read_meta
from framework_m_core.domain.documents.naming import IdNaming, NamingRule, parse_naming
from framework_m_core.domain.ext import validate_ext
from framework_m_core.domain.fields.computed import find_computed, find_own_computed, read_info
from framework_m_core.domain.fields.field import ext_of
from framework_m_core.domain.fields.spec import FieldSpec, read_field_spec
from framework_m_core.registry.additions import Additions
from framework_m_core.registry.compilation.checks.classes import (
    check_default,
    check_keywords,
    check_own_fields,
    explain_option,
)
from framework_m_core.registry.compilation.checks.doctypes import check_field_name, check_name
from framework_m_core.registry.compilation.checks.option_effects import check_pydantic_options
from framework_m_core.registry.compilation.endpoints import EndpointCompiler
from framework_m_core.registry.compilation.errors import ReportError
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.registry.computed import find_cycle
from framework_m_core.registry.extensions import Extensions
from framework_m_core.registry.overrides import (
    Model,
    chain_controllers,
    check_override,
    compose,
    explain_missing_base,
    find_base,
    is_child_table,
    is_compiled_of,
    is_composed_of,
    options_of,
    read_additions,
)

__all__ = ["DocTypeCompiler"]

_FRAMEWORK_ATTRIBUTES = frozenset(attribute_of(name) for name in FRAMEWORK_FIELDS)


class DocTypeCompiler:
    """Compiles the declared classes of apps; what is not valid is reported and left out.

    DocTypes in `known` are reused if their classes have not changed.
    """

    def __init__(
        self,
        extensions: Extensions,
        controllers: Mapping[type, type[Controller[Any]]],
        endpoints: EndpointCompiler,
        known: Mapping[str, CompiledDocType],
        report_error: ReportError,
    ) -> None:
        self._extensions = extensions
        self._controllers = controllers
        self._endpoints = endpoints
        self._known = known
        self._report_error = report_error
        self._parts: Mapping[Model, tuple[Model, ...]] = {}
        self._apps: Mapping[Model, str] = {}

    def compile_all(
        self, declared: Mapping[str, tuple[Model, str]], overrides: Mapping[Model, str]
    ) -> dict[str, CompiledDocType]:
        """Return the compiled DocTypes and child tables by name, of classes with the apps that declare them."""
        self._apps = overrides
        chosen = self._overrides_by_doctype(declared, overrides)
        composed = self._compose_all(declared, chosen)
        self._parts = {model: (base, *chosen.get(base, ())) for base, model in composed.items()}
        return {name: self._compile(composed[model], app) for name, (model, app) in declared.items()}

    def _overrides_by_doctype(
        self, declared: Mapping[str, tuple[Model, str]], overrides: Iterable[Model]
    ) -> dict[Model, list[Model]]:
        models = {name: model for name, (model, _) in declared.items()}
        found: dict[Model, list[Model]] = {}
        for override in overrides:
            base = find_base(override, models)
            if base is None:
                self._report_error(override, f"Meta.overrides: {explain_missing_base(override)}")
                continue
            before = found.setdefault(base, [])
            for error in check_override(base, before, override, self._extensions.types):
                self._report_error(override, error)
            before.append(override)
        return found

    def _compose_all(
        self, declared: Mapping[str, tuple[Model, str]], overrides: Mapping[Model, Sequence[Model]]
    ) -> dict[Model, Model]:
        """Return the composed class of each declared one, composing child tables first, since documents hold them."""
        rows = {base: self._compose(base, parts, {}) for base, parts in overrides.items() if is_child_table(base)}
        models = [model for model, _ in declared.values()]
        return {base: rows.get(base) or self._compose(base, overrides.get(base, ()), rows) for base in models}

    def _compose(self, base: Model, overrides: Sequence[Model], rows: Mapping[Model, Model]) -> Model:
        known = self._known.get(base.__name__)
        if known is not None and is_composed_of(known, base, overrides, rows):
            return known.model
        try:
            return compose(base, overrides, rows)
        except (TypeError, pydantic.PydanticUserError) as error:
            self._report_error(base, f"its overrides conflict: {error}")
            return base

    def _compile(self, model: Model, app: str) -> CompiledDocType:
        controllers = [self._controllers[part] for part in self._parts[model] if part in self._controllers]
        known = self._known.get(model.__name__)
        if known is not None and is_compiled_of(known, model, app, controllers):
            return known
        meta = self._read_meta(model)
        for error in check_name(model.__name__):
            self._report_error(model, error)
        fields = self._read_fields(model)
        children = {name: self._compile_child(name, spec.child) for name, spec in fields.items() if spec.child}
        if meta.is_child_table and children:
            self._report_error(model, "a child table cannot hold child tables")
        return CompiledDocType(
            name=model.__name__,
            module=meta.module or app,
            app=app,
            model=model,
            meta=meta,
            fields=fields,
            children=children,
            naming=self._parse_naming(model, meta.naming),
            controller=chain_controllers(controllers),
            calls=self._endpoints.compile_methods(model.__name__, controllers),
            overrides=self._parts[model][1:],
            additions=self._additions(model),
        )

    def _compile_child(self, field: str, model: Model) -> CompiledChildTable:
        declared = self._parts.get(model, (model,))[0]
        meta, fields = self._read_meta(model), self._read_fields(model)
        return CompiledChildTable(field, model.__name__, model, meta, fields, declared, self._additions(model))

    def _additions(self, model: Model) -> Additions:
        return read_additions((part, self._apps[part]) for part in self._parts.get(model, (model,))[1:])

    def _read_meta(self, model: Model) -> MetaOptions:
        try:
            return self._with_ext(model, read_meta(model, actions=(*self._extensions.actions,)))
        except pydantic.ValidationError as error:
            for one in error.errors():
                option = ".".join(str(part) for part in one["loc"])
                part = self._part_with(model, str(one["loc"][0]) if one["loc"] else "", options_of)
                self._report_error(part, f"Meta.{option}: {explain_option(one, option)}")
            wrong = {"ext", *(one["loc"][0] for one in error.errors() if one["loc"])}
            return read_meta(model, without=wrong, actions=(*self._extensions.actions,))

    def _with_ext(self, model: Model, meta: MetaOptions) -> MetaOptions:
        """Return the options with those of third parties as their models have validated them."""
        errors: list[str] = []
        ext = validate_ext(meta.ext, self._extensions.doctype_models, errors)
        for error in errors:
            self._report_error(self._part_with(model, "ext", options_of), f"Meta.{error}")
        return meta.model_copy(update={"ext": ext}) if meta.ext else meta

    def _read_fields(self, model: Model) -> dict[str, FieldSpec]:
        fields = {}
        for part in self._parts.get(model, (model,)):
            for error in check_own_fields(part):
                self._report_error(part, error)
            if options_of(model).get("submittable") and AMENDED_FROM in inspect.get_annotations(part):
                self._report_error(
                    part, f"field {AMENDED_FROM!r} is the framework's in a submittable DocType: remove it"
                )
        for name, info in model.model_fields.items():
            if (
                name not in _FRAMEWORK_ATTRIBUTES
                and (spec := self._read_field(self._part_with(model, name, inspect.get_annotations), name, info))
                is not None
            ):
                fields[name] = spec
        return fields | self._read_computed(model)

    def _read_computed(self, model: Model) -> dict[str, FieldSpec]:
        fields = {}
        for name, declared in find_computed(model).items():
            part = self._part_with(model, name, find_own_computed)
            if name in model.model_fields:
                self._report_error(part, f"{name!r} is a field and a computed field: choose another name for one")
                continue
            try:
                info = read_info(declared)
            except ValueError as error:
                self._report_error(part, f"computed field {name!r}: {error}")
                continue
            spec = self._read_field(part, name, info)
            if spec is not None and spec.child:
                self._report_error(part, f"computed field {name!r}: expected a value, got rows, which are stored")
            elif spec is not None:
                fields[name] = replace(spec, computed=True, read_only=True, required=False)
        if cycle := find_cycle(model, fields):
            self._report_error(model, f"computed fields read each other without end: {' -> '.join(cycle)}")
            fields = {name: spec for name, spec in fields.items() if name not in cycle}
        return fields

    def _read_field(self, part: Model, name: str, info: FieldInfo) -> FieldSpec | None:
        for text in (*check_field_name(name), *check_keywords(name, info)):
            self._report_error(part, text)
        if info.alias or info.validation_alias or info.serialization_alias:
            self._report_error(part, f"field {name!r}: aliases are not supported: rename the field instead")
        try:
            spec = read_field_spec(name, info, self._extensions.types)
        except (ValueError, TypeError) as error:
            self._report_error(part, f"field {name!r}: {error}")
            return None
        errors: list[str] = []
        ext = validate_ext(ext_of(info), self._extensions.field_models, errors)
        found = (*check_pydantic_options(spec, info), *check_default(spec, info))
        for text in (*found, *(f"field {name!r}: {error}" for error in errors)):
            self._report_error(part, text)
        return replace(spec, ext=ext) if ext else spec

    def _part_with(self, model: Model, name: str, names_of: Callable[[Model], Mapping[str, Any]]) -> Model:
        """Return the class that states a name: the last such part of a composed class, else the declared one."""
        parts = self._parts.get(model, (model,))
        return next((part for part in reversed(parts) if name in names_of(part)), parts[0])

    def _parse_naming(self, model: type[BaseModel], pattern: str | None) -> NamingRule:
        try:
            return parse_naming(pattern)
        except ValueError as error:
            self._report_error(model, f"Meta.naming: {error}")
            return IdNaming()
