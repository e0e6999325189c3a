"""The log context: fields that every log record carries about the work it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from framework_m_core.domain.context import SYSTEM, Source

__all__ = ["LOG_CONTEXT", "LogContext", "bind_log_context", "log_fields", "read_source"]


@dataclass(slots=True)
class LogContext:
    """One request, event or command. Fields may be set after it is bound, such as when the caller becomes known.

    >>> LogContext(source="http", user_id="ada").to_fields()
    {'source': 'http', 'user_id': 'ada'}
    """

    source: Source = ""
    request_id: UUID | None = None
    user_id: str = ""
    tenant: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    command: str = ""

    def to_fields(self) -> dict[str, str]:
        """Return the known fields as text."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: str(value) for name, value in values.items() if value}


LOG_CONTEXT: ContextVar[LogContext | None] = ContextVar("framework_m_log_context", default=None)
"""The context of the current task. Tasks inherit it; code that sets it must reset it."""


@contextmanager
def bind_log_context(context: LogContext) -> Iterator[LogContext]:
    """Bind a context for the log records of a block."""
    token = LOG_CONTEXT.set(context)
    try:
        yield context
    finally:
        LOG_CONTEXT.reset(token)


def read_source() -> Source:
    """Return the source of the work that is being done, as log records say: `SYSTEM` if nobody asked for it."""
    context = LOG_CONTEXT.get()
    return (context.source if context else "") or SYSTEM


def log_fields() -> dict[str, str]:
    """Return the fields of the current context, or none if no context is bound."""
    context = LOG_CONTEXT.get()
    return {} if context is None else context.to_fields()
