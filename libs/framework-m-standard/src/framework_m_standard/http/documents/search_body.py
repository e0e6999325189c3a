"""The parameters of a list in a JSON body, for filters that no URL should carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from framework_m_core.domain.errors import FieldError, QueryError
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


_INTEGER: Final = _Parameter({"type": "integer"}, _is_integer, "an integer")
_NAMES: Final = _Parameter({"type": "array", "items": {"type": "string", "minLength": 1}}, _is_names, "a list of names")
_PARAMETERS: Final[Mapping[str, _Parameter]] = {
    "limit": _INTEGER,
    "offset": _INTEGER,
    "cursor": _Parameter(
        {"type": "string", "minLength": 1}, lambda value: isinstance(value, str) and bool(value), "a cursor"
    ),
    "filters": _Parameter(
        {"type": ["array", "object"]},
        lambda value: isinstance(value, (list, dict)),
        "a list of comparisons, or a tree of and, or and not",
    ),
    "order_by": _NAMES,
    "fields": _NAMES,
    "expand": _NAMES,
    "count": _Parameter(
        {"type": "string", "enum": ["none", "exact"]}, lambda value: isinstance(value, str), "'none' or 'exact'"
    ),
    "include_deleted": _Parameter({"type": "boolean"}, lambda value: isinstance(value, bool), "true or false"),
}
SEARCH_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {name: parameter.schema for name, parameter in _PARAMETERS.items()},
    "additionalProperties": False,
}
"""The JSON Schema of the body; its parameters have the meaning of the list's query parameters."""


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
    return ListRequest(**given)
