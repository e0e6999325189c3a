"""`@computed`: fields whose value is a pure function of their document and its rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Never, Protocol, Self, get_type_hints, overload

from pydantic import BaseModel
from pydantic.fields import ComputedFieldInfo, FieldInfo

from framework_m_core.domain.errors import ControllerError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.values import round_decimal

__all__ = ["Computed", "computed", "find_computed", "find_info", "find_own_computed", "read_info"]

_WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    "alias": "the field has the name of its function",
    "default": "the function returns the value",
    "default_factory": "the function returns the value",
    "link": "links are checked before anything is computed",
    "on_cancel": "links are checked before anything is computed",
    "fetch_from": "the function returns the value",
    "read_only": "a computed field always is",
    "set_once": "the value follows what it is computed of",
    "no_copy": "a copy computes its own value",
}
"""Keywords of `Field` that say nothing of a computed field, each with the reason."""


class Computed[T](property):
    """A computed field: in a document that was read, the stored value; else what the function returns now.

    It is a property, so that pydantic takes it for no field, and refuses it in constructors.
    """

    def __init__(self, function: Callable[[Any], T], keywords: Mapping[str, Any]) -> None:
        super().__init__(function)
        self.function = function
        self.keywords = {"description": inspect.getdoc(function), **keywords}
        self.name = getattr(function, "__name__", "")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, document: None, owner: type | None = None, /) -> Self: ...
    @overload
    def __get__(self, document: object, owner: type | None = None, /) -> T: ...
    def __get__(self, document: Any, owner: type | None = None, /) -> Any:
        """Return the value, a decimal rounded to its scale as it is stored."""
        if document is None:
            return self
        if self.name in document.__pydantic_fields_set__:
            return vars(document)[self.name]
        value = self.function(document)
        scale = self.keywords.get("scale")
        return round_decimal(value, scale) if isinstance(value, Decimal) and isinstance(scale, int) else value

    def __set__(self, document: object, value: Never, /) -> None:
        """Raise ControllerError."""
        of = f"{type(document).__name__}.{self.name}"
        raise ControllerError(f"{of} is computed: expected a change of what it is computed of, got an assignment")


class _Decorator(Protocol):
    def __call__[T](self, function: Callable[[Any], T], /) -> Computed[T]: ...


@overload
def computed[T](function: Callable[[Any], T], /) -> Computed[T]: ...
@overload
def computed(
    *,
    label: str | None = None,
    unique: bool = False,
    index: bool = False,
    in_list: bool = False,
    allow_on_submit: bool = False,
    permlevel: int = 0,
    sensitive: bool = False,
    scale: int | None = None,
    ext: Mapping[str, Any] | None = None,
    json_schema_extra: Mapping[str, Any] | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
) -> _Decorator: ...


def computed(function: Any = None, /, **keywords: Any) -> Any:
    """Declare a method of a DocType as a stored field that is computed before each store of a draft.

    The method is a pure function of the document and its rows; its return type is the field's. The keywords are those
    of `Field`. Rows are computed first, then their document.

    >>> from decimal import Decimal
    >>> from framework_m import DocType, Field, computed
    >>> class Line(DocType):
    ...     qty: int
    ...     rate: Decimal = Field(scale=2)
    ...     @computed(scale=2)
    ...     def amount(self) -> Decimal:
    ...         return self.qty * self.rate
    >>> Line(qty=3, rate=Decimal("1.10")).amount
    Decimal('3.30')
    """

    def declare(function: Callable[[Any], Any]) -> Computed[Any]:
        return Computed(function, keywords)

    return declare if function is None else declare(function)


def find_own_computed(model: type) -> dict[str, Computed[Any]]:
    """Return the computed fields that a class itself declares, by name; pydantic's decorator declares them too."""
    found = {name: member for name, member in vars(model).items() if isinstance(member, Computed)}
    of_pydantic: Mapping[str, ComputedFieldInfo] = getattr(model, "model_computed_fields", {})
    return {**found, **{name: _convert(info) for name, info in of_pydantic.items() if name in vars(model)}}


def find_computed(model: type) -> Mapping[str, Computed[Any]]:
    """Return the computed fields of a class by name, its parents' first."""
    found: dict[str, Computed[Any]] = {}
    for parent in reversed(model.__mro__):
        own = find_own_computed(parent)
        found = {name: one for name, one in found.items() if name in own or name not in vars(parent)} | own
    return found


def read_info(field: Computed[Any]) -> FieldInfo:
    """Return the annotation and keywords of a computed field. Raises ValueError stating what was expected."""
    for keyword, reason in _WITHOUT_EFFECT.items():
        if field.keywords.get(keyword) not in (None, False):
            raise ValueError(f"{keyword} has no effect, as {reason}: remove it")
    if inspect.iscoroutinefunction(field.function):
        raise ValueError("expected 'def', got 'async def': a computed field is a function of its document alone")
    try:
        hints = get_type_hints(field.function, include_extras=True)
    except (NameError, TypeError) as error:
        raise ValueError(f"its return type cannot be read: {error}") from error
    if "return" not in hints:
        raise ValueError("expected a return type, such as '-> Decimal', which is the type of the field")
    return FieldInfo.from_annotated_attribute(hints["return"], Field(**field.keywords))


def find_info(model: type[BaseModel], name: str) -> FieldInfo:
    """Return the annotation and keywords of a field, which may be a computed one."""
    return model.model_fields.get(name) or read_info(find_computed(model)[name])


def _convert(info: ComputedFieldInfo) -> Computed[Any]:
    """Return a field of pydantic's decorator as one of ours, whose keywords it has in `json_schema_extra`."""
    shown = {word: getattr(info, word) for word in ("title", "description", "examples", "alias")}
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    stated = {word: value for word, value in shown.items() if value is not None}
    return Computed(info.wrapped_property.fget, {**stated, **extra})  # type: ignore[arg-type] # it has a getter
