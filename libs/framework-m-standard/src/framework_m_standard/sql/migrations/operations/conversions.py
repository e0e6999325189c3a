"""Exact conversions between kinds of fields: in Python for SQLite, and as SQL for PostgreSQL.

Both refuse values that would change: a fractional number to an integer, a datetime other than midnight to a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from framework_m_core.spi import DECIMAL_DIGITS, Convert, FieldKind, TextForm, find_exact_conversion
from framework_m_standard.sql.schema.field_registry import KindType

__all__ = ["Conversion", "find_conversion"]


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion to another kind; `convert` raises ValueError or ArithmeticError unless it is exact.

    In PostgreSQL's SQL, `{c}` stands for the column: `using` converts it, `loses` finds values that would change.
    """

    convert: Convert
    using: str
    loses: str = "false"


def find_conversion(before: KindType, after: KindType) -> Conversion | None:
    """Return the conversion from one kind to another, if there is one."""
    convert = find_exact_conversion(before.kind, after.kind, after.scale)
    if convert is None:
        return None
    if after.kind is FieldKind.DECIMAL:
        return Conversion(convert, *_decimal_sql(before.kind, after.scale or 0))
    return Conversion(convert, *(("{c}",) if before.kind is after.kind else _SQL[before.kind, after.kind]))


def _decimal_sql(before: FieldKind, scale: int) -> tuple[str, ...]:
    type_ = f"numeric({DECIMAL_DIGITS},{scale})"
    written = "{c}::text::numeric"
    ways = {
        FieldKind.TEXT: (f"{{c}}::{type_}", _unlike(rf"^-?[0-9]+(\.[0-9]{{0,{scale}}}0*)?$")),
        FieldKind.INTEGER: (f"{{c}}::{type_}",),
        FieldKind.FLOAT: (f"{{c}}::text::{type_}", f"{written} <> round({written}, {scale})"),
        FieldKind.DECIMAL: (f"{{c}}::{type_}", f"{{c}} <> round({{c}}, {scale})"),
    }
    return ways[before]


def _unlike(pattern: str) -> str:
    return f"{{c}} !~ '{_sql(pattern)}'"


def _sql(pattern: str) -> str:
    return pattern.replace("{", "{{").replace("}", "}}")


_KIND = FieldKind
_NO_ZONE = _unlike(f"{TextForm.ZONE}$")
_UTC = "({c} AT TIME ZONE 'UTC')"
_SQL: Final[Mapping[tuple[FieldKind, FieldKind], tuple[str, ...]]] = {
    (_KIND.TEXT, _KIND.INTEGER): ("{c}::bigint", _unlike(TextForm.WHOLE)),
    (_KIND.TEXT, _KIND.FLOAT): (
        "{c}::float8",
        f"CASE WHEN {_unlike(TextForm.NUMBER)} THEN true ELSE {{c}}::float8::text::numeric <> {{c}}::numeric END",
    ),
    (_KIND.TEXT, _KIND.BOOLEAN): ("{c}::boolean", _unlike(TextForm.BOOLEAN)),
    (_KIND.TEXT, _KIND.DATE): ("{c}::date", _unlike(TextForm.DATE)),
    (_KIND.TEXT, _KIND.DATETIME): (
        f"CASE WHEN {_NO_ZONE} THEN {{c}}::timestamp AT TIME ZONE 'UTC' ELSE {{c}}::timestamptz END",
        _unlike(TextForm.DATETIME),
    ),
    (_KIND.TEXT, _KIND.UUID): ("{c}::uuid", _unlike(TextForm.UUID)),
    (_KIND.TEXT, _KIND.JSON): ("{c}::jsonb",),
    (_KIND.INTEGER, _KIND.TEXT): ("{c}::text",),
    (_KIND.INTEGER, _KIND.FLOAT): ("{c}::float8", "{c}::float8::bigint <> {c}"),
    (_KIND.INTEGER, _KIND.BOOLEAN): ("({c} <> 0)", "{c} NOT IN (0, 1)"),
    (_KIND.FLOAT, _KIND.TEXT): ("{c}::text",),
    (_KIND.FLOAT, _KIND.INTEGER): ("{c}::bigint", "{c} <> trunc({c})"),
    (_KIND.BOOLEAN, _KIND.TEXT): ("{c}::text",),
    (_KIND.BOOLEAN, _KIND.INTEGER): ("{c}::int::bigint",),
    (_KIND.DATE, _KIND.TEXT): ("to_char({c}, 'YYYY-MM-DD')",),
    (_KIND.DATE, _KIND.DATETIME): ("{c}::timestamp AT TIME ZONE 'UTC'",),
    (_KIND.DATETIME, _KIND.TEXT): (f"""to_char({_UTC}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",),
    (_KIND.DATETIME, _KIND.DATE): (f"{_UTC}::date", f"{_UTC} <> date_trunc('day', {_UTC})"),
    (_KIND.DECIMAL, _KIND.TEXT): ("{c}::text",),
    (_KIND.DECIMAL, _KIND.INTEGER): ("{c}::bigint", "{c} <> trunc({c})"),
    (_KIND.DECIMAL, _KIND.FLOAT): ("{c}::float8", "{c}::float8::text::numeric <> {c}"),
    (_KIND.UUID, _KIND.TEXT): ("{c}::text",),
    (_KIND.JSON, _KIND.TEXT): ("{c}::text",),
}
