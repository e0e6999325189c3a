"""`Field`: pydantic's field with the framework's keywords, typed so that a misspelt one is a type error.

The framework's keywords are stored in `json_schema_extra`, so a field declared with only that works too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, overload

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from framework_m_core.domain.fields.dynamic_default import DynamicDefault

__all__ = ["KEYWORDS", "UNKNOWN_KEYWORDS", "Field", "ext_of", "list_keywords"]

KEYWORDS: Final = (
    "link",
    "on_cancel",
    "fetch_from",
    "label",
    "unique",
    "index",
    "in_list",
    "read_only",
    "set_once",
    "no_copy",
    "allow_on_submit",
    "permlevel",
    "sensitive",
    "scale",
)
"""The framework's own keywords, as stored in `json_schema_extra`."""

UNKNOWN_KEYWORDS: Final = "framework_m.unknown_keywords"
"""The key under which `Field` records unknown keywords, which the registry reports with all other errors."""
_PYDANTIC_KEYWORDS: Final = frozenset(inspect.signature(pydantic.Field).parameters) - {"extra", "alias_priority"}


@overload
def Field[T](
    default: DynamicDefault[T],
    *,
    link: str | None = None,
    on_cancel: Literal["refuse", "allow"] | None = None,
    fetch_from: str | None = None,
    label: str | None = None,
    unique: bool = False,
    index: bool = False,
    in_list: bool = False,
    read_only: bool = False,
    set_once: bool = False,
    no_copy: bool = False,
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
) -> T: ...
@overload
def Field[T](
    default: T,
    *,
    link: str | None = None,
    on_cancel: Literal["refuse", "allow"] | None = None,
    fetch_from: str | None = None,
    label: str | None = None,
    unique: bool = False,
    index: bool = False,
    in_list: bool = False,
    read_only: bool = False,
    set_once: bool = False,
    no_copy: bool = False,
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
) -> T: ...
@overload
def Field[T](
    *,
    default_factory: Callable[[], T],
    link: str | None = None,
    on_cancel: Literal["refuse", "allow"] | None = None,
    fetch_from: str | None = None,
    label: str | None = None,
    unique: bool = False,
    index: bool = False,
    in_list: bool = False,
    read_only: bool = False,
    set_once: bool = False,
    no_copy: bool = False,
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
) -> T: ...
@overload
def Field(
    *,
    link: str | None = None,
    on_cancel: Literal["refuse", "allow"] | None = None,
    fetch_from: str | None = None,
    label: str | None = None,
    unique: bool = False,
    index: bool = False,
    in_list: bool = False,
    read_only: bool = False,
    set_once: bool = False,
    no_copy: bool = False,
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
) -> Any: ...


def Field(default: Any = PydanticUndefined, **keywords: Any) -> Any:
    """Declare a field of a DocType.

    `default` is a value, or `Today(…)`, `Now(…)` or `CurrentUser()`, which are evaluated on create. Besides pydantic's
    own constraints:

    - `link`: name of the DocType that this UUID points to; a real foreign key.
    - `on_cancel`: what a cancelled target means. With "refuse", the link cannot be set to a cancelled document or
      submitted with one, and the target cannot be cancelled while a submitted document links to it; "allow" allows
      all that. The default is "refuse" from submittable DocTypes to submittable ones.
    - `fetch_from`: `"link_field.target_field"`, copied when the link is set or changed; implies `read_only`.
    - `label`: shown in place of the field's name; a message id.
    - `unique`: no two live documents have the same value; not in child tables.
    - `index`: an index, for filters and orders.
    - `in_list`: a column of the list view, or of the rows' table.
    - `read_only`: set by hooks alone.
    - `set_once`: set on create or while it is empty, and fixed from then on, for hooks too.
    - `no_copy`: left out when a document is duplicated or amended.
    - `allow_on_submit`: may change after submit; on a list of rows, these may be added, removed and moved.
    - `permlevel`: 0 follows the action's roles, others need `Meta.field_levels`.
    - `sensitive`: kept out of audit, events and schema examples.
    - `scale`: decimal places kept, exactly; every `Decimal` states it.
    - `ext`: third parties' keywords, each under its own namespace and checked by that package's model.

    >>> from framework_m import DocType
    >>> class Book(DocType):
    ...     title: str = Field(label="Title", in_list=True, min_length=1)
    ...     isbn: str | None = Field(default=None, unique=True, max_length=13)
    >>> Book(title="Emma").isbn is None
    True
    """
    extra = dict(keywords.pop("json_schema_extra", None) or {})
    for name in (*KEYWORDS, "ext"):
        value = keywords.pop(name, None)
        if value not in (None, False, 0) or (name == "scale" and value == 0 and value is not None):
            extra[name] = value
    unknown = [name for name in keywords if name not in _PYDANTIC_KEYWORDS]
    if unknown:
        extra[UNKNOWN_KEYWORDS] = unknown
    known = {name: value for name, value in keywords.items() if name in _PYDANTIC_KEYWORDS}
    if isinstance(default, DynamicDefault):
        known["default_factory"], default = default, PydanticUndefined
    if "default_factory" in known:
        known.setdefault("validate_default", True)  # what a factory makes is not known at the start
    return pydantic.Field(default, json_schema_extra=extra or None, **known)


def ext_of(info: FieldInfo) -> Mapping[str, Any]:
    """Return the keywords of third parties that a field states."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    stated: Any = extra.get("ext") or {}
    return stated if isinstance(stated, Mapping) else {repr(stated): None}


def list_keywords() -> frozenset[str]:
    """Return all keywords of `Field`, including pydantic's."""
    return _PYDANTIC_KEYWORDS.union(KEYWORDS, ("ext",))
