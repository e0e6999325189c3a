"""DocType overrides: classes that extend another app's DocType and are composed with it into one class."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType, new_class
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from framework_m_core.controllers.controller import HOOKS, Controller
from framework_m_core.domain.documents.doctype import AMENDED_FROM
from framework_m_core.domain.fields.computed import find_computed, find_info, find_own_computed
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.field_type import FieldType
from framework_m_core.domain.fields.spec import FieldSpec, read_field_spec
from framework_m_core.registry.additions import Additions
from framework_m_core.registry.compiled import BUILT_IN_APP, CompiledDocType

__all__ = [
    "Model",
    "chain_controllers",
    "check_override",
    "compose",
    "controllers_of",
    "explain_missing_base",
    "find_base",
    "is_child_table",
    "is_compiled_of",
    "is_composed_of",
    "is_override",
    "options_of",
    "parts_of",
    "read_additions",
]

_FIXED = ("kind", "link", "scale", "child", "field_type")
"""Properties that determine how values are stored."""
_NO_TYPES: Final[Mapping[type, FieldType[Any]]] = MappingProxyType({})
_FIXED_OPTIONS = ("is_child_table",)

type Model = type[BaseModel]


def is_override(model: Model) -> bool:
    """Return whether the class sets `overrides = True` in its Meta."""
    return bool(options_of(model).get("overrides", False))


def is_child_table(model: Model) -> bool:
    """Return whether the class sets `is_child_table = True` in its Meta."""
    return bool(options_of(model).get("is_child_table", False))


def find_base(model: Model, declared: Mapping[str, Model]) -> Model | None:
    """Return the declared DocType that an override inherits from, directly or through other overrides."""
    found = [parent for parent in model.__mro__[1:] if declared.get(parent.__name__) is parent]
    return found[0] if found else None


def explain_missing_base(model: Model) -> str:
    """Return why an override has no declared DocType to add to."""
    own = _package(model)
    for parent in model.__mro__[1:]:
        package = _package(parent)
        if issubclass(parent, BaseModel) and package not in {own, "pydantic"} and not package.startswith(BUILT_IN_APP):
            return f"{parent.__name__} of {package!r} is not loaded: add that app to [framework] apps"
    return "expected a subclass of the DocType that it overrides"


def _package(class_: type) -> str:
    return class_.__module__.partition(".")[0]


def check_override(
    base: Model, before: Sequence[Model], model: Model, types: Mapping[type, FieldType[Any]] = _NO_TYPES
) -> Iterator[str]:
    """Yield an error where an override changes how values are stored, or adds a field that another one adds."""
    for name in _FIXED_OPTIONS:
        if name in options_of(model):
            yield f"Meta.{name} belongs to {base.__name__}: an override cannot set it"
    for name in (*inspect.get_annotations(model), *find_own_computed(model)):
        if _is_field(base, name) and _is_field(model, name):
            yield from _check_altered(base, model, name, types)
            continue
        for other in before:
            if name in {*inspect.get_annotations(other), *find_own_computed(other)} and not issubclass(model, other):
                yield f"field {name!r} is also added by {other.__module__}.{other.__qualname__}: choose another name"


def _check_altered(base: Model, model: Model, name: str, types: Mapping[type, FieldType[Any]]) -> Iterator[str]:
    was, now = (_spec(name, one, types) for one in (base, model))
    if was is None or now is None:
        return
    for trait in _FIXED:
        old, new = getattr(was, trait), getattr(now, trait)
        if old != new:
            yield f"field {name!r}: expected {trait} {old} as in {base.__name__}, got {new}"


def _is_field(model: Model, name: str) -> bool:
    return name in model.model_fields or name in find_computed(model)


def _spec(name: str, model: Model, types: Mapping[type, FieldType[Any]]) -> FieldSpec | None:
    """Return the spec of a field, or None if it cannot be stored, which the registry reports anyway."""
    try:
        return read_field_spec(name, find_info(model, name), types)
    except (ValueError, TypeError):
        return None


def compose(base: Model, overrides: Sequence[Model], rows: Mapping[Model, Model]) -> Model:
    """Compose a DocType with its overrides, later ones winning, under the base's name and module.

    A submittable one has the field `amended_from`, too. `rows` maps declared classes of child tables to the composed
    ones that replace them.
    """
    infos = {name: part.model_fields[name] for part in overrides for name in _own_fields(part)}
    for name, info in {**base.model_fields, **infos}.items():
        for declared, composed in rows.items():
            if info.annotation == list[declared]:  # type: ignore[valid-type]
                infos[name] = _with_rows(info, composed)
    options: dict[str, Any] = {}
    for part in (base, *overrides):
        options |= options_of(part)
    options.pop("overrides", None)
    if options.get("submittable") and not options.get("is_child_table"):
        infos[AMENDED_FROM] = _link_to_amended(base)
    if not infos and not overrides:
        return base
    body = {
        **infos,
        "__annotations__": {name: info.annotation for name, info in infos.items()},
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": vars(base).get("__doc__"),
        "Meta": type(
            "Meta", (), {**options, "__module__": base.__module__, "__qualname__": f"{base.__qualname__}.Meta"}
        ),
    }
    bases = (*_without_parents(overrides), base)
    return new_class(base.__name__, bases, exec_body=lambda namespace: namespace.update(body))


def _link_to_amended(base: Model) -> FieldInfo:
    """Return the link to the document that one amends: unique, so that no document has two live amendments."""
    info: Any = Field(default=None, link=base.__name__, on_cancel="allow", read_only=True, unique=True)
    info.annotation = UUID | None
    return info  # type: ignore[no-any-return]


def read_additions(overrides: Iterable[tuple[Model, str]]) -> Additions:
    """Return what overrides add, given with their apps in the order in which they are composed."""
    fields: dict[str, str] = {}
    indexes: dict[tuple[str, ...], str] = {}
    for model, app in overrides:
        fields |= dict.fromkeys((*_own_fields(model), *find_own_computed(model)), app)
        indexes |= dict.fromkeys(_own_indexes(model), app)
    return Additions(fields, indexes)


def _own_indexes(part: Model) -> Iterator[tuple[str, ...]]:
    options = options_of(part)
    for option in ("indexes", "unique_together"):
        yield from (tuple(columns) for columns in options.get(option, ()))
    if scope := options.get("rls_field"):
        yield (scope, "creation", "id")


def _own_fields(part: Model) -> list[str]:
    return [name for name in inspect.get_annotations(part) if name in part.model_fields]


def _with_rows(info: FieldInfo, composed: Model) -> FieldInfo:
    changed = copy.copy(info)
    changed.annotation = list[composed]  # type: ignore[valid-type]
    return changed


def options_of(model: Model) -> dict[str, Any]:
    """Return the options of the class's own Meta, unvalidated."""
    meta = model.__dict__.get("Meta")
    return {key: value for key, value in vars(meta).items() if not key.startswith("__")} if meta else {}


def _without_parents[C: type](parts: Sequence[C]) -> tuple[C, ...]:
    """Return the parts in reverse order, without those that a later one inherits from."""
    kept: list[C] = []
    for part in reversed(parts):
        if not any(issubclass(other, part) for other in kept):
            kept.append(part)
    return tuple(kept)


def _effective_controllers(controllers: Sequence[type[Controller[Any]]]) -> tuple[type[Controller[Any]], ...]:
    """Return the controllers of a DocType that `chain_controllers` runs, in order of declaration."""
    return tuple(reversed(_without_parents(controllers)))


def chain_controllers(controllers: Sequence[type[Controller[Any]]]) -> type[Controller[Any]] | None:
    """Return one controller that runs the hooks of all, in order of declaration; None without controllers.

    A controller that a later one inherits from is not run by itself; the later one may call `super()`.
    """
    parts = _effective_controllers(controllers)
    if len(parts) <= 1:
        return parts[0] if parts else None
    hooks = {hook: _run_in_turn(hook) for hook in HOOKS if any(hook in part.list_hooks() for part in parts)}
    body = {**hooks, "parts": parts, "__module__": parts[0].__module__, "__qualname__": parts[0].__qualname__}
    return new_class(parts[0].__name__, (_Chain,), exec_body=lambda namespace: namespace.update(body))


class _Chain(Controller[Any]):
    """Controllers of one DocType; each keeps its own state between hooks."""

    parts: ClassVar[tuple[type[Controller[Any]], ...]] = ()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.links = [part(*arguments) for part in self.parts]


def parts_of(controller: type[Controller[Any]] | None) -> tuple[type[Controller[Any]], ...]:
    """Return the controllers that `chain_controllers` combine_errors into this one."""
    if controller is None:
        return ()
    return controller.parts if issubclass(controller, _Chain) else (controller,)


def controllers_of(controller: Controller[Any]) -> Sequence[Controller[Any]]:
    """Return the controllers that run as this one: itself, or those of all apps that extend the DocType."""
    return controller.links if isinstance(controller, _Chain) else (controller,)


def _run_in_turn(hook: str) -> Callable[[_Chain], Awaitable[None]]:
    async def run(self: _Chain) -> None:
        for link in self.links:
            if hook in type(link).list_hooks():
                link.doc = self.doc
                await getattr(link, hook)()
                self.doc = link.doc

    return run


def is_composed_of(
    known: CompiledDocType, base: Model, overrides: Sequence[Model], rows: Mapping[Model, Model]
) -> bool:
    """Return whether the model of a DocType is what `compose` would return for a class and its overrides."""
    return (
        base in (known.model, *known.model.__bases__)
        and known.overrides == tuple(overrides)
        and all(child.model is rows.get(child.declared, child.declared) for child in known.children.values())
    )


def is_compiled_of(
    known: CompiledDocType, model: Model, app: str, controllers: Sequence[type[Controller[Any]]]
) -> bool:
    """Return whether a DocType has been compiled from a composed class and its controllers."""
    return (
        known.model is model and known.app == app and parts_of(known.controller) == _effective_controllers(controllers)
    )
