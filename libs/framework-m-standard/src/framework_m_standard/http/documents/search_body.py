"""The parameters of a list in a JSON body, for filters that no URL should carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from framework_m_core.domain.errors import FieldError, QueryError
from framework_m_core.domain.page import MAX_LIMIT, MAX_OFFSET
from framework_m_core.services.queries.parsing import ListRequest

__all__ = ["SEARCH_SCHEMA", "parse_search_body"]


class _Parameter(NamedTuple):
    """A parameter: its JSON Schema, the check of its type, and the type in words."""

    schema: dict[str, Any]
    is_valid: Callable[[Any], bool]
    expected: str


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(minimum: int, maximum: int) -> _Parameter:
    schema = {"type": ["integer", "null"], "format": "int32", "minimum": minimum, "maximum": maximum}
    return _Parameter(schema, _is_integer, "an integer")


_NAMES: Final = _Parameter(
    {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}}, _is_names, "a list of names"
)
_FLAG: Final = _Parameter({"type": ["boolean", "null"]}, lambda value: isinstance(value, bool), "true or false")
_PARAMETERS: Final[Mapping[str, _Parameter]] = {
    "limit": _integer(1, MAX_LIMIT),
    "offset": _integer(0, MAX_OFFSET),
    "cursor": _Parameter(
        {"type": ["string", "null"], "minLength": 1}, lambda value: isinstance(value, str) and bool(value), "a cursor"
    ),
    "filters": _Parameter(
        {"type": ["array", "object", "null"]},
        lambda value: isinstance(value, (list, dict)),
        "a list of comparisons, or a tree of and, or and not",
    ),
    "order_by": _NAMES,
    "fields": _NAMES,
    "expand": _NAMES,
    "count": _Parameter(
        {"type": ["string", "null"], "enum": ["none", "exact", None]},
        lambda value: isinstance(value, str),
        "'none' or 'exact'",
    ),
    "include_deleted": _FLAG,
    "titles": _FLAG,
    "default_filters": _FLAG,
}
SEARCH_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {name: parameter.schema for name, parameter in _PARAMETERS.items()},
    "additionalProperties": False,
}
"""The JSON Schema of the body; its parameters mean what those of the list's query do, and null means nothing."""


def parse_search_body(body: Mapping[str, Any]) -> ListRequest:
    """Return the list request in a body, not checked against the DocType yet. Raises QueryError, all errors listed."""
    params = {"choices": tuple(_PARAMETERS)}
    errors = [FieldError(name, "unknown_field", params=params) for name in body if name not in _PARAMETERS]
    given = {name: value for name, value in body.items() if name in _PARAMETERS and value is not None}
    for name, value in given.items():
        parameter = _PARAMETERS[name]
        if not parameter.is_valid(value):
            errors.append(FieldError(name, "wrong_type", params={"type": parameter.expected}))
    if errors:
        raise QueryError("the search parameters are invalid", errors)
    return ListRequest(**{"default_filters": True, **given})
