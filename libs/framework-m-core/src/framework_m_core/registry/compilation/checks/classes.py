"""Checks of declared classes and functions for errors that Python and pydantic would silently ignore."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, get_origin, get_type_hints
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined, SchemaError

from framework_m_core.controllers.controller import HOOKS, Controller, Documents
from framework_m_core.controllers.declaration import declaration_of
from framework_m_core.controllers.rpc import CallMark
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, attribute_of
from framework_m_core.domain.documents.meta import FieldLevel, MetaOptions
from framework_m_core.domain.events import AnyEvent, DomainEvent, PublishedEvent
from framework_m_core.domain.fields.constraints import split_constraints
from framework_m_core.domain.fields.field import KEYWORDS, UNKNOWN_KEYWORDS, list_keywords
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import normalize_value
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.dependencies import UNREADABLE, Dependencies

__all__ = [
    "check_controller",
    "check_default",
    "check_handler",
    "check_keywords",
    "check_own_fields",
    "check_stage_function",
    "explain_option",
    "format_python_type",
    "is_async",
]

_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_FRAPPE_HOOKS: Final[Mapping[str, str]] = {
    "before_validate": "validate",
    "on_update": "after_save",
    "on_change": "after_save",
    "on_update_after_submit": "after_save",
    "on_trash": "before_delete",
    "autoname": "Meta.naming",
}
"""Frappe hooks that have another name here."""

_CONTAINERS: Final = frozenset({FieldKind.JSON, FieldKind.CHILDREN})
_FRAMEWORK_ATTRIBUTES = frozenset(attribute_of(name) for name in FRAMEWORK_FIELDS)
_FRAPPE_KEYWORDS: Final[Mapping[str, str]] = {
    "reqd": "leave out the default to require a value",
    "choices": "annotate the field with Literal or a StrEnum",
}
"""What takes the place of keywords that others know."""

_FRAPPE_OPTIONS: Final[Mapping[str, str]] = {"sort_field": "order_by"}

_PYTHON_TYPES: Final[Mapping[FieldKind, type | tuple[type, ...]]] = {
    FieldKind.TEXT: str,
    FieldKind.INTEGER: int,
    FieldKind.FLOAT: (int, float),
    FieldKind.BOOLEAN: bool,
    FieldKind.DATETIME: datetime,
    FieldKind.DATE: date,
    FieldKind.DECIMAL: Decimal,
    FieldKind.UUID: UUID,
    FieldKind.BYTES: bytes,
}


def check_own_fields(model: type[BaseModel]) -> Iterator[str]:
    """Yield an error for each member that redefines a framework field or would be ignored."""
    for name in inspect.get_annotations(model):
        if name in _FRAMEWORK_ATTRIBUTES:
            yield f"field {name!r} is a framework field, which every document has: choose another name"
        elif name.startswith("_"):
            yield f"field {name!r} is not stored, because its name starts with an underscore: choose another name"
    for name, info in model.model_fields.items():
        if isinstance(info.default, property):  # pydantic takes a method that overrides a field for its default
            yield f"{name!r} is a field, so no function computes it: choose another name for the function"
    for name, member in vars(model).items():
        if name != "Meta" and name.lower() == "meta" and isinstance(member, type):
            yield f"class {name} is ignored: name it Meta"
        if inspect.isfunction(member) and (name in HOOKS or name in _FRAPPE_HOOKS):
            yield (
                f"{name} would never be called: hooks are methods of the controller, so move it to "
                f"class {model.__name__}Controller(Controller[{model.__name__}]){_renamed(name)}"
            )


def _renamed(hook: str) -> str:
    return f" as {_FRAPPE_HOOKS[hook]}" if hook in _FRAPPE_HOOKS else ""


def check_keywords(name: str, info: FieldInfo) -> Iterator[str]:
    """Yield an error for each unknown keyword of `Field`."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    unknown: Any = extra.get(UNKNOWN_KEYWORDS, ())
    for keyword in unknown:
        known = f": expected one of {', '.join(KEYWORDS)} or a keyword of pydantic's"
        if keyword in _FRAPPE_KEYWORDS:
            yield f"field {name!r}: Field has no keyword {keyword!r}: {_FRAPPE_KEYWORDS[keyword]}"
            continue
        meant = did_you_mean(keyword, list_keywords()) or known
        yield f"field {name!r}: Field has no keyword {keyword!r}{meant}"


def check_default(spec: FieldSpec, info: FieldInfo) -> Iterator[str]:
    """Yield an error if the default is not a valid value of the field."""
    default = info.default
    if default is None or default is PydanticUndefined:
        return
    if spec.enum and not isinstance(default, spec.enum):
        yield f"field {spec.name!r}: expected a member of {spec.enum.__name__} as its default, got {default!r}"
        return
    stored = default.value if spec.enum else default
    expected = spec.field_type.python_type if spec.field_type else _PYTHON_TYPES.get(spec.kind, object)
    if not isinstance(stored, expected) or (
        isinstance(stored, bool) and spec.kind in {FieldKind.INTEGER, FieldKind.FLOAT}
    ):
        wanted = spec.field_type.python_type.__name__ if spec.field_type else spec.kind
        given = f"{default!r}, which is {type(default).__name__}"
        yield f"field {spec.name!r}: expected a default of type {wanted}, got {given}"
        return
    try:
        normalize_value(spec, stored)
    except (ValueError, OverflowError) as error:
        yield f"field {spec.name!r}: its default {default!r} cannot be stored: {error}"
    except AttributeError as error:  # a port that the field type takes, which it gets later
        yield f"field {spec.name!r}: its default cannot be stored before its field type has its ports: {error}"
    else:
        yield from _check_constraints(spec, info)


def _check_constraints(spec: FieldSpec, info: FieldInfo) -> Iterator[str]:
    """Yield an error if pydantic would refuse the default, which it does not look at by itself."""
    if not split_constraints(info)[1] and not spec.choices and (spec.kind not in _CONTAINERS or not info.default):
        return
    annotation: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    try:
        TypeAdapter(annotation, config={"arbitrary_types_allowed": True}).validate_python(info.default)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].lower()
        yield f"field {spec.name!r}: its default {info.default!r} is not valid: {reason}; make the field required"
    except (TypeError, SchemaError) as error:  # pydantic compares a default with a bound of another type
        yield f"field {spec.name!r}: its constraints do not fit its default {info.default!r}: {error}"


def check_controller(controller: type[Controller[Any]]) -> Iterator[str]:
    """Yield an error for each hook that would not be awaited or would never be called."""
    for name, member in vars(controller).items():
        if name in HOOKS and not is_async(member):
            yield f"{name} is a hook: declare it with 'async def'"
        elif name in HOOKS and not _accepts(member, None):
            yield f"{name} is a hook: expected no parameters but self, since the document is self.doc"
        elif name in _FRAPPE_HOOKS and inspect.isroutine(member) and declaration_of(member, CallMark) is None:
            yield f"{name} is not a hook and would never be called: use {_FRAPPE_HOOKS[name]}"
        elif is_async(member) and declaration_of(member, CallMark) is None and (meant := _similar_hook(name)):
            yield f"{name} is not a hook: did you mean {meant!r}? Otherwise choose a less similar name"


def is_async(function: Any) -> bool:
    """Return whether a function is a coroutine function beneath its decorators."""
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def _accepts(function: Any, *arguments: object, **named: object) -> bool:
    """Return whether a function accepts these arguments."""
    try:
        inspect.signature(function).bind(*arguments, **named)
    except TypeError:
        return False
    return True


def _similar_hook(name: str) -> str | None:
    """Return the hook that a name is one typo away from, if any; names such as `validated` are not typos."""
    if name in HOOKS or "validate" in name:
        return None
    return next((hook for hook in HOOKS if _is_one_edit_apart(hook, name)), None)


def _is_one_edit_apart(right: str, written: str) -> bool:
    """Return whether one letter was omitted, added or replaced, or two adjacent letters were swapped."""
    short, long = sorted((right, written), key=len)
    if len(long) - len(short) == 1:
        return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    wrong = [at for at in range(len(right)) if right[at] != written[at]] if len(short) == len(long) else []
    if len(wrong) == 2:
        first, second = wrong
        return second - first == 1 and (right[first], right[second]) == (written[second], written[first])
    return len(wrong) == 1


def check_handler(function: Any, dependencies: Dependencies) -> Iterator[str]:
    """Yield an error if the function cannot be called with an event, documents and the ports that it requests."""
    if not is_async(function):
        yield "expected an event handler declared with 'async def'"
    if _accepts(function, None, **dependencies) or not _accepts(function, None, None, **dependencies):
        yield "expected an event handler with the parameters (event, documents), then ports and settings by name"
        yield from _explain_unfilled(function, 2, dependencies)
    else:
        yield from _check_event_parameter(function)


def _check_event_parameter(function: Any) -> Iterator[str]:
    """Yield an error if names or annotations say that a handler takes something else than an event first."""
    first, second, *_ = inspect.signature(function).parameters
    try:
        hints = get_type_hints(inspect.unwrap(function))
    except UNREADABLE:  # which is an error of its own
        hints = {}
    hint = hints.get(first)
    if first == "documents" or second == "event" or hint is Documents or _is_event(hints.get(second)):
        yield "expected an event handler with the parameters (event, documents), in this order: they are given by place"
    elif isinstance(hint, type) and hint is not Any and not _is_event(hint) and not issubclass(DomainEvent, hint):
        name = hint.__name__
        yield f"expected an event as the first parameter, got {name}: write PublishedEvent[{name}], and event.payload"


def _is_event(hint: Any) -> bool:
    hint = get_origin(hint) or hint
    return hint is AnyEvent or (isinstance(hint, type) and issubclass(hint, DomainEvent | PublishedEvent))


def check_stage_function(function: Any, dependencies: Dependencies) -> Iterator[str]:
    """Yield an error if the function cannot be called with a write and the ports that it requests."""
    if not is_async(function):
        yield "expected a write stage declared with 'async def'"
    if not _accepts(function, None, **dependencies):
        yield "expected a write stage with the parameter (write), then ports and settings by name"
        yield from _explain_unfilled(function, 1, dependencies)


def _explain_unfilled(function: Any, given: int, dependencies: Dependencies) -> Iterator[str]:
    """Yield what each further parameter would have to be to be filled."""
    for parameter in [*inspect.signature(function).parameters.values()][given:]:
        if parameter.default is parameter.empty and parameter.kind in _NAMED and parameter.name not in dependencies:
            kind = getattr(parameter.annotation, "__name__", parameter.annotation)
            yield (
                f"its parameter {parameter.name} is {kind}, neither a port nor a section of the configuration: declare "
                "it under framework_m.ports or framework_m.settings"
            )


def format_python_type(spec: FieldSpec) -> str:
    """Return the type by which a class declares a field, as Python writes it."""
    if spec.field_type:
        return spec.field_type.python_type.__name__
    found = _PYTHON_TYPES.get(spec.kind, spec.kind)
    return "float" if isinstance(found, tuple) else getattr(found, "__name__", str(found))


def explain_option(error: ErrorDetails, option: str) -> str:
    """Return what is wrong with an option of `Meta`, for one of pydantic's errors."""
    if error["type"] != "extra_forbidden":
        return error["msg"].removeprefix("Value error, ")
    if option in _FRAPPE_OPTIONS:
        return f"there is no such option: did you mean {_FRAPPE_OPTIONS[option]!r}?"
    path = [str(part) for part in error["loc"]]
    known = FieldLevel.model_fields if len(path) > 1 else MetaOptions.model_fields
    return f"there is no such option{did_you_mean(path[-1], known) or ': expected one of ' + ', '.join(known)}"
