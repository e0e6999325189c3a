"""Checks of declared classes and functions for errors that Python and pydantic would silently ignore."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from framework_m_core.controllers.controller import HOOKS, Controller
from framework_m_core.controllers.rpc import call_mark
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, attribute_of
from framework_m_core.domain.documents.meta import MetaOptions
from framework_m_core.domain.fields.field import KEYWORDS, UNKNOWN_KEYWORDS, known_keywords
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import bounded
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.dependencies import Dependencies

__all__ = [
    "check_controller",
    "check_default",
    "check_handler",
    "check_keywords",
    "check_own_fields",
    "check_stage_function",
    "is_async",
    "option_error",
]

_FRAPPES: Final[Mapping[str, str]] = {
    "before_validate": "validate",
    "before_submit": "on_submit, which may still raise",
    "before_cancel": "on_cancel, which may still raise",
    "on_update": "after_save",
    "on_change": "after_save",
    "on_update_after_submit": "after_save",
    "on_trash": "before_delete",
    "autoname": "Meta.naming",
}
"""Frappe hooks that have another name here."""

_FRAMEWORK_ATTRIBUTES = frozenset(attribute_of(name) for name in FRAMEWORK_FIELDS)
_PYTHON: Final[Mapping[FieldKind, type | tuple[type, ...]]] = {
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
    for name, member in vars(model).items():
        if name != "Meta" and name.lower() == "meta" and isinstance(member, type):
            yield f"class {name} is ignored: name it Meta"


def check_keywords(name: str, info: FieldInfo) -> Iterator[str]:
    """Yield an error for each unknown keyword of `Field`."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    unknown: Any = extra.get(UNKNOWN_KEYWORDS, ())
    for keyword in unknown:
        known = f": expected one of {', '.join(KEYWORDS)} or a keyword of pydantic's"
        meant = did_you_mean(keyword, known_keywords()) or known
        yield f"field {name!r}: Field has no keyword {keyword!r}{meant}"


def check_default(spec: FieldSpec, info: FieldInfo) -> Iterator[str]:
    """Yield an error if the default is not a valid value of the field."""
    default = info.default
    if default is None or default is PydanticUndefined or not spec.is_scalar:
        return
    stored = default.value if spec.enum and isinstance(default, Enum) else default
    expected = spec.field_type.python_type if spec.field_type else _PYTHON.get(spec.kind, object)
    if not isinstance(stored, expected) or (
        isinstance(stored, bool) and spec.kind in {FieldKind.INTEGER, FieldKind.FLOAT}
    ):
        wanted = spec.field_type.python_type.__name__ if spec.field_type else spec.kind
        given = f"{default!r}, which is {type(default).__name__}"
        yield f"field {spec.name!r}: expected a default of type {wanted}, got {given}"
        return
    try:
        bounded(spec, stored)
    except (ValueError, OverflowError) as error:
        yield f"field {spec.name!r}: its default {default!r} cannot be stored: {error}"
    except AttributeError as error:  # a port that the field type takes, which it gets later
        yield f"field {spec.name!r}: its default cannot be stored before its field type has its ports: {error}"
    else:
        yield from _check_constraints(spec, info)


def _check_constraints(spec: FieldSpec, info: FieldInfo) -> Iterator[str]:
    """Yield an error if the default breaks a constraint of its own field, which pydantic does not look at."""
    if not info.metadata:
        return
    annotation: Any = Annotated[info.annotation, *info.metadata]
    try:
        TypeAdapter(annotation, config={"arbitrary_types_allowed": True}).validate_python(info.default)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].lower()
        yield f"field {spec.name!r}: its default {info.default!r} is not valid: {reason}; make the field required"


def check_controller(controller: type[Controller[Any]]) -> Iterator[str]:
    """Yield an error for each hook that would not be awaited or would never be called."""
    for name, member in vars(controller).items():
        if name in HOOKS and not is_async(member):
            yield f"{name} is a hook: declare it with 'async def'"
        elif name in HOOKS and not _takes(member, None):
            yield f"{name} is a hook: expected no parameters but self, since the document is self.doc"
        elif name in _FRAPPES and inspect.isroutine(member) and call_mark(member) is None:
            yield f"{name} is not a hook and would never be called: use {_FRAPPES[name]}"
        elif is_async(member) and call_mark(member) is None and (meant := _meant(name)):
            yield f"{name} is not a hook: did you mean {meant!r}? Otherwise choose a less similar name"


def is_async(function: Any) -> bool:
    """Return whether a function is a coroutine function beneath its decorators."""
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def _takes(function: Any, *arguments: object, **named: object) -> bool:
    """Return whether a function accepts these arguments."""
    try:
        inspect.signature(function).bind(*arguments, **named)
    except TypeError:
        return False
    return True


def _meant(name: str) -> str | None:
    """Return the hook that a name is one typo away from, if any; names such as `validated` are not typos."""
    if name in HOOKS or "validate" in name:
        return None
    return next((hook for hook in HOOKS if _one_slip(hook, name)), None)


def _one_slip(right: str, written: str) -> bool:
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
    if _takes(function, None, **dependencies) or not _takes(function, None, None, **dependencies):
        yield "expected an event handler with the parameters (event, documents), then ports by name"


def check_stage_function(function: Any, dependencies: Dependencies) -> Iterator[str]:
    """Yield an error if the function cannot be called with a write and the ports that it requests."""
    if not is_async(function):
        yield "expected a write stage declared with 'async def'"
    if not _takes(function, None, **dependencies):
        yield "expected a write stage with the parameter (write), then ports by name"


def option_error(fault: ErrorDetails, option: str) -> str:
    """Return what is wrong with an option of `Meta`, for one of pydantic's errors."""
    if fault["type"] != "extra_forbidden":
        return fault["msg"].removeprefix("Value error, ")
    known = MetaOptions.model_fields
    return f"there is no such option{did_you_mean(option, known) or ': expected one of ' + ', '.join(known)}"
