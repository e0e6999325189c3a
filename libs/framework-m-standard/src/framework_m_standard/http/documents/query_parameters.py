"""Strict parsing of query parameters: only known ones, each at most once, each value in one spelling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from framework_m_core.domain.errors import FieldError, QueryError
from framework_m_core.domain.page import DEFAULT_LIMIT
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.http.wire.body_codec import decode_json

__all__ = [
    "DOCUMENT_QUERY",
    "LIST_QUERY",
    "DocumentRequest",
    "flag",
    "parse_document_request",
    "parse_list_request",
    "parse_query",
]

_INTEGER = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_MOST_DIGITS: Final = 9
_FLAGS: Final = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}
_MOST_PARAMETERS: Final = 50
LIST_QUERY: Final = (
    "limit", "offset", "cursor", "filters", "order_by", "fields", "expand", "count", "include_deleted",
)  # fmt: skip
DOCUMENT_QUERY: Final = ("fields", "expand")


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """The parameters of a read of one document."""

    fields: Sequence[str] | None = None
    expand: Sequence[str] = ()


def parse_query(query: bytes, known: Sequence[str] = ()) -> dict[str, str]:
    """Return the parameters by name. Raises QueryError for an unknown, repeated or empty one, and a malformed query."""
    if not query:
        return {}
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise QueryError(
            f"expected percent-encoded UTF-8 with at most {_MOST_PARAMETERS} parameters as query"
        ) from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise QueryError(f"expected {_known(known)}, got {name[:80]!r}")
        if name in parameters:
            raise QueryError(f"expected the parameter {name!r} once, got it twice")
        if not value:
            raise QueryError(f"expected a value for the parameter {name!r}, got none: add one or omit the parameter")
        parameters[name] = value
    return parameters


def parse_document_request(query: bytes) -> DocumentRequest:
    """Parse the parameters of a read of one document."""
    given = parse_query(query, DOCUMENT_QUERY)
    return DocumentRequest(_names(given.get("fields")), _names(given.get("expand")) or ())


def parse_list_request(query: bytes) -> ListRequest:
    """Parse the parameters of a list; they are not checked against the DocType yet."""
    if not query:
        return ListRequest()
    given = parse_query(query, LIST_QUERY)
    return ListRequest(
        limit=_integer(given, "limit", DEFAULT_LIMIT),
        offset=_integer(given, "offset", 0),
        cursor=given.get("cursor"),
        filters=_filters(given.get("filters")),
        order_by=_names(given.get("order_by")) or (),
        fields=_names(given.get("fields")),
        expand=_names(given.get("expand")) or (),
        count=given.get("count", "none"),
        include_deleted=flag(given, "include_deleted"),
    )


def flag(parameters: dict[str, str], name: str) -> bool:
    """Return the value of a boolean parameter, False by default. Raises QueryError for another word."""
    value = _FLAGS.get(parameters.get(name, "false"))
    if value is None:
        raise QueryError(f"expected 'true' or 'false' for {name!r}, got {parameters[name][:80]!r}")
    return value


def _integer(given: dict[str, str], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if _INTEGER.fullmatch(value) is None:
        raise QueryError(f"expected a whole number from 0 up for {name!r}, got {value[:80]!r}")
    if len(value) > _MOST_DIGITS:
        error = FieldError(name, "out_of_bounds", params={"max_digits": _MOST_DIGITS})
        raise QueryError(f"{name}: {error.message}", [error])
    return int(value)


def _filters(text: str | None) -> Any:
    if text is None:
        return None
    try:
        filters = decode_json(text)
    except ValueError as error:
        raise QueryError(f"filters: expected JSON: {error}") from None
    if not isinstance(filters, (list, dict)):
        raise QueryError('filters: expected a list of comparisons, or a tree such as {"and": [...]}')
    return filters


def _names(text: str | None) -> list[str] | None:
    return None if text is None else text.split(",")


def _known(known: Sequence[str]) -> str:
    return f"one of the parameters {', '.join(known)}" if known else "no parameters"
