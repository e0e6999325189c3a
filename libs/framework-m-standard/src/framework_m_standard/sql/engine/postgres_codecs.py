"""Codecs of dates and datetimes for asyncpg, whose own send the first and the last of each as infinity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg

__all__ = ["set_codecs"]

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


async def set_codecs(connection: asyncpg.Connection) -> None:
    """Make a connection send every date and datetime as it is; infinity, which others may store, reads as the end."""
    await connection.set_type_codec("date", schema="pg_catalog", format="tuple", encoder=_days, decoder=_date)
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", format="tuple", encoder=_microseconds, decoder=_datetime
    )


def _days(value: date) -> tuple[int]:
    return (value.toordinal() - _EPOCH_DAY,)


def _date(stored: tuple[int]) -> date:
    try:
        return date.fromordinal(stored[0] + _EPOCH_DAY)
    except (OverflowError, ValueError):
        return date.max if stored[0] > 0 else date.min


def _microseconds(value: datetime) -> tuple[int]:
    return ((value - _EPOCH) // _MICROSECOND,)


def _datetime(stored: tuple[int]) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=stored[0])
    except OverflowError:
        return _LAST if stored[0] > 0 else _FIRST
