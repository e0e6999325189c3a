"""Formatting of generated code as `m format` would, so that a new revision passes the checks of a new app."""

from __future__ import annotations

import datetime
import decimal
import unicodedata
import uuid
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["BODY", "call", "format_literal", "is_wide", "mark_long_lines"]

_WIDTH: Final = 120
"""The longest line, in columns."""

BODY: Final = 4
"""The indentation of a function's body."""

_ALLOWED: Final = "  # noqa: E501"


def call(function: str, *arguments: str, indent: int = BODY, after: int = 0) -> str:
    """Return a call; `after` are the columns that follow it in its line."""
    inner = ", ".join(arguments)
    if not is_wide(f"{function}({inner})", indent + after):
        return f"{function}({inner})"
    if not is_wide(inner, indent + BODY):
        return f"{function}(\n    {inner}\n)"
    return f"{function}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def is_wide(text: str, indent: int) -> bool:
    """Return whether indented text exceeds the longest line."""
    return indent + sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text) > _WIDTH


def mark_long_lines(code: str, indent: int = BODY) -> str:
    """Mark the lines that cannot be broken, as those of long texts, so that they are not reported."""
    return "\n".join(f"{line}{_ALLOWED}" if is_wide(line, indent) else line for line in code.splitlines())


def format_literal(value: Any) -> str:
    """Return a stored value as Python code, qualified by its module if necessary."""
    match value:
        case decimal.Decimal():
            return f'decimal.Decimal("{value}")'
        case uuid.UUID():
            return f'uuid.UUID("{value}")'
        case datetime.date():
            return repr(value).replace("datetime.timezone.utc", "datetime.UTC")
        case float():
            return repr(value).replace("e+", "e")
        case str() | bytes():
            return _text(value)
        case list():
            return f"[{', '.join(map(format_literal, value))}]"
        case dict():
            return f"{{{', '.join(_entries(value))}}}"
        case _:
            return repr(value)


def _entries(value: dict[str, Any]) -> Iterator[str]:
    yield from (f"{format_literal(key)}: {format_literal(item)}" for key, item in value.items())


def _text(value: str | bytes) -> str:
    """Return a literal in double quotes, unless single ones need fewer escapes."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    quote = "'" if text.count('"') > text.count("'") else '"'
    prefix = "b" if isinstance(value, bytes) else ""
    return f"{prefix}{quote}{''.join(_character(one, quote, prefix) for one in text)}{quote}"


def _character(one: str, quote: str, prefix: str) -> str:
    if one in "'\"":
        return f"\\{one}" if one == quote else one
    return repr(one.encode("latin-1") if prefix else one)[1 + len(prefix) : -1]
