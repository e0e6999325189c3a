"""Exact conversions of stored values between kinds of fields.

They refuse values that would change: a fractional number to an integer, a datetime other than midnight to a date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json

from framework_m_core.domain.fields.spec import FieldKind

__all__ = ["Convert", "TextForm", "find_exact_conversion"]


class TextForm(StrEnum):
    """Regular expressions of texts that stand for values of other kinds."""

    WHOLE = "^(0|-?[1-9][0-9]*)$"
    NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
    UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
    ZONE = "(Z|[-+][0-9]{2}:?[0-9]{2})"
    DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    DATETIME = (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[-+][0-9]{2}:?[0-9]{2})?$"
    )
    BOOLEAN = "^(true|false)$"


_MIDNIGHT: Final = time(tzinfo=UTC)

type Convert = Callable[[Any], Any]
"""Returns the same value in another kind. Raises ValueError or ArithmeticError if there is none."""


def find_exact_conversion(before: FieldKind, after: FieldKind, scale: int | None) -> Convert | None:
    """Return the conversion from one kind to another, with this scale if that is decimals, if there is one."""
    if after is FieldKind.DECIMAL:
        return _to_decimal(before, scale or 0)
    if before is after:
        return lambda value: value
    return _CONVERSIONS.get((before, after))


def _to_decimal(before: FieldKind, scale: int) -> Convert | None:
    ways: Mapping[FieldKind, Convert] = {
        FieldKind.TEXT: _matching(rf"^-?[0-9]+(\.[0-9]{{0,{scale}}}0*)?$", Decimal),
        FieldKind.INTEGER: Decimal,
        FieldKind.FLOAT: lambda value: _places(Decimal(repr(value)), scale),
        FieldKind.DECIMAL: lambda value: _places(value, scale),
    }
    return ways.get(before)


def _matching(pattern: str, convert: Callable[[str], Any]) -> Convert:
    """Return the conversion of text that matches a pattern."""

    def of_form(text: str) -> Any:
        if not re.match(pattern.replace("$", r"\Z"), text):
            raise ValueError(text)
        return convert(text)

    return of_form


def _places(value: Decimal, scale: int) -> Decimal:
    return _same(round(value, scale), value)


def _same[T](converted: T, value: object) -> T:
    if converted != value:
        raise ValueError(value)
    return converted


def _float(value: Decimal | str) -> float:
    """Return the float that is written as this number. Raise ValueError if there is none."""
    found = float(value)
    _same(Decimal(repr(found)), Decimal(value))
    return found


def _datetime(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _day(value: datetime) -> date:
    _same(value.timetz(), _MIDNIGHT)
    return value.date()


def _json(text: str) -> Any:
    return json.loads(text, parse_float=_float, parse_constant=_no_number)


def _no_number(word: str) -> Any:
    raise ValueError(word)


_KIND = FieldKind
_CONVERSIONS: Final[Mapping[tuple[FieldKind, FieldKind], Convert]] = {
    (_KIND.TEXT, _KIND.INTEGER): _matching(TextForm.WHOLE, int),
    (_KIND.TEXT, _KIND.FLOAT): _matching(TextForm.NUMBER, _float),
    (_KIND.TEXT, _KIND.BOOLEAN): _matching(TextForm.BOOLEAN, lambda text: text == "true"),
    (_KIND.TEXT, _KIND.DATE): _matching(TextForm.DATE, date.fromisoformat),
    (_KIND.TEXT, _KIND.DATETIME): _matching(TextForm.DATETIME, _datetime),
    (_KIND.TEXT, _KIND.UUID): _matching(TextForm.UUID, UUID),
    (_KIND.TEXT, _KIND.JSON): _json,
    (_KIND.INTEGER, _KIND.TEXT): str,
    (_KIND.INTEGER, _KIND.FLOAT): lambda value: _same(float(value), value),
    (_KIND.INTEGER, _KIND.BOOLEAN): lambda value: _same(bool(value), value),
    (_KIND.FLOAT, _KIND.TEXT): repr,
    (_KIND.FLOAT, _KIND.INTEGER): lambda value: _same(int(value), value),
    (_KIND.BOOLEAN, _KIND.TEXT): lambda value: "true" if value else "false",
    (_KIND.BOOLEAN, _KIND.INTEGER): int,
    (_KIND.DATE, _KIND.TEXT): date.isoformat,
    (_KIND.DATE, _KIND.DATETIME): lambda value: datetime.combine(value, _MIDNIGHT),
    (_KIND.DATETIME, _KIND.TEXT): lambda value: value.isoformat(timespec="microseconds")[:26] + "Z",
    (_KIND.DATETIME, _KIND.DATE): _day,
    (_KIND.DECIMAL, _KIND.TEXT): lambda value: f"{value:f}",
    (_KIND.DECIMAL, _KIND.INTEGER): lambda value: _same(int(value), value),
    (_KIND.DECIMAL, _KIND.FLOAT): _float,
    (_KIND.UUID, _KIND.TEXT): str,
    (_KIND.JSON, _KIND.TEXT): lambda value: to_json(value).decode(),
}
