"""Strict parsing of query parameters: only known ones, each at most once, each value in one spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from framework_m_core.domain.errors import FieldError, QueryError, ValidationError, combine_errors, gather_errors
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.http.wire.body_codec import decode_json

__all__ = [
    "DOCUMENT_QUERY",
    "LIST_QUERY",
    "DocumentRequest",
    "parse_document_request",
    "parse_flag",
    "parse_list_request",
    "parse_query",
]

_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_MAX_DIGITS: Final = 9
_FLAGS: Final = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}
_MAX_PARAMETERS: Final = 50
LIST_QUERY: Final = (
    "limit", "offset", "cursor", "filters", "order_by", "fields", "expand", "count", "include_deleted",
    "titles", "default_filters",
)  # fmt: skip
DOCUMENT_QUERY: Final = ("fields", "expand", "titles")


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """The parameters of a read of one document."""

    fields: Sequence[str] | None = None
    expand: Sequence[str] = ()
    titles: bool = False


def parse_query(query: bytes, known: Sequence[str] = ()) -> dict[str, str]:
    """Return the parameters by name. Raises QueryError for an unknown, repeated or empty one, and a malformed query."""
    if not query:
        return {}
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise QueryError(f"expected percent-encoded UTF-8 with at most {_MAX_PARAMETERS} parameters as query") from None
    parameters: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, value in pairs:
        if name not in known:
            errors.append(FieldError(name[:80], "unknown_parameter", params={"choices": _known(known)}))
        elif name in parameters:
            errors.append(FieldError(name, "repeated_parameter"))
        elif not value:
            errors.append(FieldError(name, "empty_parameter"))
        parameters[name] = value
    if errors:
        raise QueryError("the query is not valid", errors)
    return parameters


def parse_document_request(query: bytes) -> DocumentRequest:
    """Parse the parameters of a read of one document."""
    given = parse_query(query, DOCUMENT_QUERY)
    return DocumentRequest(**{name: _PARSERS[name](given, name) for name in given})


def parse_list_request(query: bytes) -> ListRequest:
    """Parse the parameters of a list; they are not checked against the DocType yet."""
    if not query:
        return ListRequest(default_filters=True)
    given = parse_query(query, LIST_QUERY)
    parsed: dict[str, Any] = {
        "count": given.get("count", "none"),
        "cursor": given.get("cursor"),
        "default_filters": True,
    }
    refused: list[ValidationError] = []
    for name, parse in _PARSERS.items():
        if name in given:
            with gather_errors(refused):
                parsed[name] = parse(given, name)
    if refused:
        raise combine_errors(refused)
    return ListRequest(**parsed)


def parse_flag(parameters: dict[str, str], name: str) -> bool:
    """Return the value of a boolean parameter, False by default. Raises QueryError for another word."""
    value = _FLAGS.get(parameters.get(name, "false"))
    if value is None:
        raise _refused(name, FieldError(name, "wrong_type", params={"type": "boolean", "got": parameters[name][:80]}))
    return value


def _integer(given: dict[str, str], name: str) -> int:
    value = given[name]
    if _INTEGER.fullmatch(value) is None:
        raise _refused(name, FieldError(name, "wrong_type", params={"type": "integer", "got": value[:80]}))
    if len(value) > _MAX_DIGITS:
        raise _refused(name, FieldError(name, "out_of_bounds", params={"max_digits": _MAX_DIGITS}))
    return int(value)


def _refused(name: str, error: FieldError) -> QueryError:
    return QueryError(f"{name}: {error.message}", [error])


def _filters(given: dict[str, str], name: str) -> Any:
    try:
        filters = decode_json(given[name])
    except ValueError as error:
        raise _refused(name, FieldError(name, "bad_json", params={"reason": str(error)})) from None
    if not isinstance(filters, (list, dict)):
        raise _refused(name, FieldError(name, "wrong_type", params={"type": "filters"}))
    return filters


def _names(given: dict[str, str], name: str) -> list[str]:
    return given[name].split(",")


def _known(known: Sequence[str]) -> str:
    return f"one of {', '.join(known)}" if known else "none"


_PARSERS: Final[Mapping[str, Callable[[dict[str, str], str], Any]]] = {
    "limit": _integer,
    "offset": _integer,
    "filters": _filters,
    "order_by": _names,
    "fields": _names,
    "expand": _names,
    "include_deleted": parse_flag,
    "titles": parse_flag,
    "default_filters": parse_flag,
}
"""The parameters of a list, or of a read of one document, that are more than the text as given."""
