"""Times as Redis keeps them: whole microseconds since 1970, which scripts compare exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["from_microseconds", "to_microseconds", "to_milliseconds"]

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_microseconds(span: datetime | timedelta) -> int:
    """Return a time, or a span, as microseconds."""
    return (span - _START if isinstance(span, datetime) else span) // _MICROSECOND


def to_milliseconds(span: timedelta) -> int:
    """Return a span as milliseconds, at least one."""
    return max(1, span // _MILLISECOND)


def from_microseconds(number: int | bytes) -> datetime:
    """Return the time of a number of microseconds."""
    return _START + int(number) * _MICROSECOND
