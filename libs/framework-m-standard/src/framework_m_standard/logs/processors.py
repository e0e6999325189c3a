"""structlog processors: add the log context, hide secrets, and keep each record on its own line."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Final

from framework_m_core.domain.log_context import log_fields
from framework_m_core.domain.redaction import HIDDEN, is_secret_name, redact

__all__ = ["EventDict", "add_log_context", "drop_repeated_id", "escape_record", "hide_secrets"]

type EventDict = MutableMapping[str, Any]
"""A record under way."""

_MAX_TEXT: Final = 16_384
"""The longest value written, in characters; longer ones are cut after their secrets are hidden."""

_MAX_SEARCHED: Final = 65_536
_MAX_KEYS: Final = 100
_SEVERAL_LINES: Final = ("exception", "stack")
_PLAIN: Final = (bool, int, float, type(None))
_CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that end a line, control a terminal or change the direction of text."""


def add_log_context(_: Any, __: str, record: EventDict) -> EventDict:
    """Add the fields of the current log context; a record's own fields never replace them."""
    record.update(log_fields())
    return record


def hide_secrets(_: Any, __: str, record: EventDict) -> EventDict:
    """Hide secrets in every value, and convert values to text except numbers."""
    for name in list(record)[_MAX_KEYS:]:
        del record[name]
    for name, value in record.items():
        if is_secret_name(name):
            record[name] = HIDDEN
        elif not isinstance(value, _PLAIN):
            record[name] = _text_of(value)
    return record


def drop_repeated_id(_: Any, __: str, record: EventDict) -> EventDict:
    """Drop the correlation id of the first request of a chain, which equals its request id."""
    if record.get("correlation_id") == record.get("request_id"):
        record.pop("correlation_id", None)
    return record


def escape_record(_: Any, __: str, record: EventDict) -> EventDict:
    """Escape control characters, so that no value begins a line; lines of a traceback are indented instead."""
    return {_escape(name): _keep_on_line(name, value) for name, value in record.items()}


def _keep_on_line(name: str, value: Any) -> Any:
    if name in _SEVERAL_LINES:
        return "\n".join(f"    {_escape(line)}" for line in str(value).splitlines())
    return _escape(value) if isinstance(value, str) else value


def _text_of(value: Any) -> str:
    text = redact((value if isinstance(value, str) else _representation(value))[:_MAX_SEARCHED])
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}… ({len(text) - _MAX_TEXT} more)"


def _representation(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


def _escape(text: str) -> str:
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
