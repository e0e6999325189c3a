"""Exact conversions between kinds of fields: in Python for SQLite, and as SQL for PostgreSQL.

Both refuse values that would change: a fractional number to an integer, a datetime other than midnight to a date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.fields.spec import DECIMAL_DIGITS, FieldKind
from framework_m_standard.sql.schema.field_registry import KindType
from framework_m_standard.sql.statements.row_codec import SQLITE, encoder, json_text

__all__ = ["Conversion", "conversion"]

_WHOLE: Final = "^(0|-?[1-9][0-9]*)$"
_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
_DATE: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ZONE: Final = "(Z|[-+][0-9]{2}:?[0-9]{2})"
_UUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_MIDNIGHT: Final = time(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion to another kind; `convert` raises ValueError or ArithmeticError unless it is exact.

    In PostgreSQL's SQL, `{c}` stands for the column: `using` converts it, `loses` finds values that would change.
    """

    convert: Callable[[Any], Any]
    using: str
    loses: str = "false"


def conversion(before: KindType, after: KindType) -> Conversion | None:
    """Return the conversion from one kind to another, if there is one."""
    if after.kind is FieldKind.DECIMAL:
        return _to_decimal(before.kind, after.scale or 0)
    if before.kind is after.kind:
        return Conversion(lambda value: value, "{c}")
    return _CONVERSIONS.get((before.kind, after.kind))


def _to_decimal(before: FieldKind, scale: int) -> Conversion | None:
    type_ = f"numeric({DECIMAL_DIGITS},{scale})"
    places = rf"^-?[0-9]+(\.[0-9]{{0,{scale}}}0*)?$"
    written = "{c}::text::numeric"
    ways = {
        FieldKind.TEXT: _matching(places, Decimal, f"{{c}}::{type_}"),
        FieldKind.INTEGER: Conversion(Decimal, f"{{c}}::{type_}"),
        FieldKind.FLOAT: Conversion(
            lambda value: _places(Decimal(repr(value)), scale),
            f"{{c}}::text::{type_}",
            f"{written} <> round({written}, {scale})",
        ),
        FieldKind.DECIMAL: Conversion(
            lambda value: _places(value, scale), f"{{c}}::{type_}", f"{{c}} <> round({{c}}, {scale})"
        ),
    }
    return ways.get(before)


def _matching(pattern: str, convert: Callable[[str], Any], using: str) -> Conversion:
    """Return the conversion of text that matches a pattern."""

    def of_form(text: str) -> Any:
        if not re.match(pattern.replace("$", r"\Z"), text):
            raise ValueError(text)
        return convert(text)

    return Conversion(of_form, using, f"{{c}} !~ '{_sql(pattern)}'")


def _sql(pattern: str) -> str:
    return pattern.replace("{", "{{").replace("}", "}}")


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


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _day(moment: datetime) -> date:
    _same(moment.timetz(), _MIDNIGHT)
    return moment.date()


def _json(text: str) -> Any:
    return json.loads(text, parse_float=_float, parse_constant=_no_number)


def _no_number(word: str) -> Any:
    raise ValueError(word)


_KIND = FieldKind
_UTC = "({c} AT TIME ZONE 'UTC')"
_CONVERSIONS: Mapping[tuple[FieldKind, FieldKind], Conversion] = {
    (_KIND.TEXT, _KIND.INTEGER): _matching(_WHOLE, int, "{c}::bigint"),
    (_KIND.TEXT, _KIND.FLOAT): Conversion(
        _matching(_NUMBER, _float, "").convert,
        "{c}::float8",
        f"CASE WHEN {{c}} !~ '{_sql(_NUMBER)}' THEN true ELSE {{c}}::float8::text::numeric <> {{c}}::numeric END",
    ),
    (_KIND.TEXT, _KIND.BOOLEAN): _matching("^(true|false)$", lambda text: text == "true", "{c}::boolean"),
    (_KIND.TEXT, _KIND.DATE): _matching(f"^{_DATE}$", date.fromisoformat, "{c}::date"),
    (_KIND.TEXT, _KIND.DATETIME): _matching(
        f"^{_DATE}[T ]{_TIME}{_ZONE}?$",
        _moment,
        f"CASE WHEN {{c}} ~ '{_sql(_ZONE)}$' THEN {{c}}::timestamptz ELSE {{c}}::timestamp AT TIME ZONE 'UTC' END",
    ),
    (_KIND.TEXT, _KIND.UUID): _matching(_UUID, UUID, "{c}::uuid"),
    (_KIND.TEXT, _KIND.JSON): Conversion(_json, "{c}::jsonb"),
    (_KIND.INTEGER, _KIND.TEXT): Conversion(str, "{c}::text"),
    (_KIND.INTEGER, _KIND.FLOAT): Conversion(
        lambda value: _same(float(value), value), "{c}::float8", "{c}::float8::bigint <> {c}"
    ),
    (_KIND.INTEGER, _KIND.BOOLEAN): Conversion(
        lambda value: _same(bool(value), value), "({c} <> 0)", "{c} NOT IN (0, 1)"
    ),
    (_KIND.FLOAT, _KIND.TEXT): Conversion(repr, "{c}::text"),
    (_KIND.FLOAT, _KIND.INTEGER): Conversion(
        lambda value: _same(int(value), value), "{c}::bigint", "{c} <> trunc({c})"
    ),
    (_KIND.BOOLEAN, _KIND.TEXT): Conversion(lambda value: "true" if value else "false", "{c}::text"),
    (_KIND.BOOLEAN, _KIND.INTEGER): Conversion(int, "{c}::int::bigint"),
    (_KIND.DATE, _KIND.TEXT): Conversion(date.isoformat, "to_char({c}, 'YYYY-MM-DD')"),
    (_KIND.DATE, _KIND.DATETIME): Conversion(
        lambda value: datetime.combine(value, _MIDNIGHT), "{c}::timestamp AT TIME ZONE 'UTC'"
    ),
    (_KIND.DATETIME, _KIND.TEXT): Conversion(
        encoder(SQLITE, KindType(_KIND.DATETIME).spec) or str,
        f"""to_char({_UTC}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    ),
    (_KIND.DATETIME, _KIND.DATE): Conversion(_day, f"{_UTC}::date", f"{_UTC} <> date_trunc('day', {_UTC})"),
    (_KIND.DECIMAL, _KIND.TEXT): Conversion(lambda value: f"{value:f}", "{c}::text"),
    (_KIND.DECIMAL, _KIND.INTEGER): Conversion(
        lambda value: _same(int(value), value), "{c}::bigint", "{c} <> trunc({c})"
    ),
    (_KIND.DECIMAL, _KIND.FLOAT): Conversion(_float, "{c}::float8", "{c}::float8::text::numeric <> {c}"),
    (_KIND.UUID, _KIND.TEXT): Conversion(str, "{c}::text"),
    (_KIND.JSON, _KIND.TEXT): Conversion(json_text, "{c}::text"),
}
