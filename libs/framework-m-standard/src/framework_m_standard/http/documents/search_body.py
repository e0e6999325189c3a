"""The parameters of a list in a JSON body, for filters that no URL should carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from framework_m_core.domain.errors import FieldError, QueryError
from framework_m_core.services.queries.parsing import ListRequest

__all__ = ["SEARCH_SCHEMA", "parse_search_body"]

_NAMES: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
_PROPERTIES: Final[Mapping[str, dict[str, Any]]] = {
    "limit": {"type": "integer"},
    "offset": {"type": "integer"},
    "cursor": {"type": "string", "minLength": 1},
    "filters": {"type": ["array", "object"]},
    "order_by": _NAMES,
    "fields": _NAMES,
    "expand": _NAMES,
    "count": {"type": "string", "enum": ["none", "exact"]},
    "include_deleted": {"type": "boolean"},
}
SEARCH_SCHEMA: Final = {"type": "object", "properties": dict(_PROPERTIES), "additionalProperties": False}
"""The JSON Schema of the body; its parameters have the meaning of the list's query parameters."""


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "limit": (_is_integer, "an integer"),
    "offset": (_is_integer, "an integer"),
    "cursor": (lambda value: isinstance(value, str) and bool(value), "a cursor"),
    "filters": (lambda value: isinstance(value, (list, dict)), "a list of comparisons, or a tree of and, or and not"),
    "order_by": (_is_names, "a list of names"),
    "fields": (_is_names, "a list of names"),
    "expand": (_is_names, "a list of names"),
    "count": (lambda value: isinstance(value, str), "'none' or 'exact'"),
    "include_deleted": (lambda value: isinstance(value, bool), "true or false"),
}


def parse_search_body(body: Mapping[str, Any]) -> ListRequest:
    """Return the list request in a body, not checked against the DocType yet. Raises QueryError, all errors listed."""
    choices = tuple(_CHECKS)
    errors = [FieldError(name, "unknown_field", params={"choices": choices}) for name in body if name not in _CHECKS]
    given = {name: value for name, value in body.items() if name in _CHECKS and value is not None}
    for name, value in given.items():
        is_valid, expected = _CHECKS[name]
        if not is_valid(value):
            errors.append(FieldError(name, "wrong_type", params={"type": expected}))
    if errors:
        raise QueryError("the search parameters are invalid", errors)
    return ListRequest(**given)
