"""Messages of errors in fields: the one place for their English text, as templates with named parameters.

A code may have several templates; the names of the parameters choose among them, so that `code` and `params` of a
`FieldError` are all that a translation needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

__all__ = ["MESSAGES", "TYPE_NAMES", "format_message"]

MESSAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "required": ("this field is required", "expected a value for {part}"),
    "unknown_field": (
        "there is no such field: leave it out",
        "there is no such field: did you mean {suggestion!r}?",
        "there is no such field: expected one of {choices}",
        "{doctype} has no field {got} that you can read: expected one of {choices}",
        "{link!r} is not a link that you can read: expected one of {choices}",
        "{link!r} is not a link that you can read: there are none",
    ),
    "unknown_parameter": ("there is no such parameter: expected {choices}",),
    "repeated_parameter": ("expected this parameter once",),
    "empty_parameter": ("expected a value: add one or omit the parameter",),
    "not_writable": ("you cannot set this field: leave it out",),
    "wrong_type": (
        "expected {type}",
        "expected {type}, got {got}",
        "expected a list of {doctype} rows",
    ),
    "out_of_bounds": (
        "expected at least {min}",
        "expected at most {max}",
        "expected {min} to {max}",
        "expected {min} to {max}, got {got}",
        "expected more than {more_than}",
        "expected less than {less_than}",
        "expected a multiple of {multiple_of}",
        "expected a finite {finite}",
        "expected an integer of at most {bits} bits",
        "expected at most {max_digits} digits",
        "expected a finite decimal with at most {max_whole_digits} digits before the point",
        "expected at most {max_decimal_places} decimal places",
        "expected at least {min_length} characters",
        "expected at most {max_length} characters",
        "expected {min_length} to {max_length} characters",
        "expected text without {character} characters",
        "expected at least {min_bytes} bytes",
        "expected at most {max_bytes} bytes",
        "expected at least {min_items} items",
        "expected at most {max_items} items",
        "expected at most {max_items} items, got {count}",
        "expected at most {max_fields} fields, got {count}",
        "expected at most {max_arguments} arguments, got {count}",
        "expected new links to at most {max_links} different {doctype} documents, got {count}; "
        "add them in several updates",
        "expected new links to at most {max_links} different documents, got {count}; add them in several updates",
        "expected JSON of at most {max_values} values",
        "expected JSON nested at most {max_depth} levels deep",
        "expected at most {max_levels} levels",
        "expected at most {max_nodes} comparisons and lists of them",
        "expected at most {max_comparisons} comparisons",
        "expected at most {max_searches} comparisons that search in text",
        "expected at most {max_values_in_all} values in total",
        "expected at most {max_wildcards} '%' wildcards, got {count}",
        "expected a list of {items} values, got {count}",
        "expected at most {max_length} characters, got {count}",
        "expected at most {max_bytes} bytes, got {count}",
        "expected at most {max_decided} documents to decide about, got more: narrow the filters",
    ),
    "too_long": (
        "expected at most {max_length} characters",
        "expected at most {max_length} characters in {part}",
    ),
    "cancelled_target": (
        "this {doctype} is cancelled: link to one that is not",
        "this document is cancelled: link to one that is not",
    ),
    "too_common": ("expected a password that is not among the most common ones, nor part of the email address",),
    "not_a_choice": ("expected one of {choices}", "expected one of {choices}, got {got}"),
    "unsupported_operator": ("{operator!r} cannot compare {field!r}, which holds {type}: expected one of {choices}",),
    "null_value": ("expected a value to compare {field!r} with, got null: use 'is_null'",),
    "part_of_value": ("{part!r}: a part of {type} cannot be named, only {field!r}",),
    "not_comparable": ("{field!r} holds rows, which filters and orders cannot compare",),
    "not_sortable": (
        "expected a sortable field, got {field!r}, which holds {type}",
        "expected values to sort by that a cursor can hold: sort by shorter ones",
    ),
    "repeated_field": ("expected each field once, got {field!r} twice",),
    "bad_direction": ("expected a field, or '-' and a field for descending order, got {got}: write {meant}",),
    "not_combinable": ("expected this parameter or {other}, got both",),
    "bad_cursor": ("expected a cursor of this order: start again without one",),
    "bad_json": ("expected JSON: {reason}",),
    "bad_pattern": (
        "expected text matching {pattern}",
        "the pattern ends in a lone backslash: write two to match one",
    ),
    "bad_name": (
        "expected a name that is not a UUID, because a UUID in a path is an id",
        "expected a name other than {reserved!r}",
        "expected a name without the character {character}",
        "expected a name of at most {max_length} characters without '/'",
    ),
    "names_document": ("this field is the name of the document, which does not change: leave it as it is",),
    "set_once": ("this field is set once and has a value, which does not change: leave it as it is",),
    "unknown_row": (
        "expected the id of a row of this document, once: leave the id out to add a row",
        "expected {type}",
    ),
    "duplicate_value": ("another document has this value",),
    "duplicate_row": ("expected each row once",),
    "not_renamable": ("expected a DocType whose documents may get another name",),
    "not_submittable": ("expected a submittable DocType: Meta.submittable is not set",),
    "invalid_link": (
        "there is no {doctype} with this id that you can read",
        "there is no document with this id that you can read",
        "there is no {doctype} named {name!r} that you can read",
        "there is no document named {name!r} that you can read",
    ),
    "invalid_fetch": (
        "the {source} of the linked document is not a valid {fetched}: link to another document, or change that one",
    ),
    "invalid": ("found {count} errors, too many to list",),
}

TYPE_NAMES: Final[Mapping[str, str]] = {
    "text": "text",
    "integer": "an integer",
    "float": "a number",
    "boolean": "true or false",
    "decimal": 'a decimal such as "12.50"',
    "datetime": "an ISO 8601 date and time with its UTC offset, such as 2026-01-31T12:00:00Z",
    "date": "an ISO 8601 date such as 2026-01-31",
    "uuid": "a UUID",
    "bytes": "bytes in base64, such as 'SGVsbG8='",
    "json": "a JSON value",
    "key": "text as the key of a JSON object",
    "list": "a list",
    "object": "an object",
    "reference": "an id or a name",
    "filters": 'a list of comparisons, or a tree such as {"and": [...]}',
    "comparison": 'an object such as {"field": "status", "operator": "eq", "value": "Open"}',
    "branch": "'and' or 'or' with a list, or 'not' with a filter",
}
"""What the parameter `type` means."""


def format_message(code: str, params: Mapping[str, Any]) -> str:
    """Return the message of a code with its parameters filled in. Raises ValueError if no template has them."""
    template = _BY_PARAMETERS.get((code, frozenset(params)))
    if template is None:
        raise ValueError(f"expected a message, since no template for {code!r} has the parameters {sorted(params)}")
    return template.format_map({name: _text(name, value) for name, value in params.items()})


def _text(name: str, value: Any) -> str:
    if name == "type":
        return TYPE_NAMES.get(value, str(value))
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _parameters(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


_BY_PARAMETERS: Final = {
    (code, _parameters(template)): template for code, templates in MESSAGES.items() for template in templates
}
