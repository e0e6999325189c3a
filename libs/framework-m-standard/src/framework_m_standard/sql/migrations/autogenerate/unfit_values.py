"""Stored values that a field no longer accepts: a choice that is gone, a narrower bound, length or pattern, or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

import pydantic
import sqlalchemy as sa
from pydantic import BaseModel, TypeAdapter

from framework_m_core.spi import (
    MAX_INDEXED_TEXT,
    FieldKind,
    FieldSpec,
    IdNaming,
    Registry,
    find_hidden_character,
    find_info,
    normalize_name,
)
from framework_m_standard.sql.schema.existing import read_with
from framework_m_standard.sql.schema.field_registry import KindType
from framework_m_standard.sql.schema.tables import BUILT_IN, format_table_name

__all__ = ["find_unfit_values"]

type _Condition = tuple[sa.ColumnElement[bool], str]
"""When a field refuses a value, with words for it."""

_BOUNDS: Final = (
    ("gt", "__le__", "more than"), ("ge", "__lt__", "at least"), ("lt", "__ge__", "less than"),
    ("le", "__gt__", "at most"),
)  # fmt: skip
"""Constraints, the comparison of those that do not meet them, and words for them."""

_NUMBERS: Final = frozenset({FieldKind.INTEGER, FieldKind.FLOAT, FieldKind.DECIMAL})
_BOUNDED: Final = _NUMBERS | {FieldKind.DATE, FieldKind.DATETIME}
_MAX_NAMED: Final = 3
_MAX_VALUES: Final = 100
_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of documents, or of their rows with the table of the documents."""

    name: str
    model: type[BaseModel]
    documents: str

    @property
    def live(self) -> tuple[sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[str]]:
        """What to select from, the condition for documents that are not deleted, and their names."""
        owner = sa.table(self.documents, *map(sa.column, ("id", "name", "deleted_at"))).alias("owner")
        held = sa.table(self.name, *map(sa.column, ("id", "parent"))).alias("held")
        key = held.c.id if self.name == self.documents else held.c.parent
        return held.join(owner, owner.c.id == key), owner.c.deleted_at.is_(None), owner.c.name


def find_unfit_values(connection: sa.Connection, registry: Registry) -> list[str]:
    """Return a line, with a count and some documents, for each field of apps that would refuse stored values."""
    there = read_with(connection).columns
    lines: list[str] = []
    for plan in registry.doctypes.values():
        if plan.app == BUILT_IN:
            continue
        documents = format_table_name(plan.name)
        tables = [(_Table(documents, plan.model, documents), plan.fields, plan.indexed_text)]
        for child in plan.children.values():
            rows = _Table(format_table_name(plan.name, child.field), child.model, documents)
            tables.append((rows, child.fields, child.indexed_text))
        if documents in there and not isinstance(plan.naming, IdNaming):
            lines += _of_names(connection, documents)
        for table, fields, indexed in tables:
            for spec in fields.values():
                if spec.name in there.get(table.name, {}):
                    lines += _of_field(connection, table, spec, is_indexed=spec.name in indexed)
    return lines


def _of_names(connection: sa.Connection, documents: str) -> Iterator[str]:
    """Yield a line for the live documents whose names no path or filter finds, as they are not in the form of names."""
    table = sa.table(documents, *map(sa.column, ("name", "deleted_at")))
    query = sa.select(table.c.name).where(table.c.deleted_at.is_(None)).order_by(table.c.name)
    names = connection.execution_options(yield_per=_BATCH).scalars(query)
    found = [name for name in names if normalize_name(name) != name or find_hidden_character(name)]
    if found:
        shown = ", ".join(map(ascii, found[:_MAX_NAMED]))
        yield f"{len(found)} rows of {documents} have a name with blanks around it, hidden or uncomposed text: {shown}"


def _of_field(connection: sa.Connection, table: _Table, spec: FieldSpec, *, is_indexed: bool) -> Iterator[str]:
    column: sa.ColumnElement[Any] = sa.literal_column(f'held."{spec.name}"', KindType(spec.kind, spec.scale))
    source, is_live, name = table.live
    for condition, reason in _refused(connection, table, spec, column, is_indexed=is_indexed):
        chosen = sa.and_(is_live, condition)
        rows = connection.scalar(sa.select(sa.func.count()).select_from(source).where(chosen))
        if rows:
            names = sa.select(name).select_from(source).where(chosen).order_by(name).distinct().limit(_MAX_NAMED)
            shown = ", ".join(connection.scalars(names))
            yield f"{rows} rows of {table.name} hold {reason}, such as in {shown}"


def _refused(
    connection: sa.Connection, table: _Table, spec: FieldSpec, column: sa.ColumnElement[Any], *, is_indexed: bool
) -> Iterator[_Condition]:
    constraints = find_info(table.model, spec.name).metadata
    if spec.required and not spec.nullable:
        yield column.is_(None), f"no {spec.name}, which is required"
    if choices := _choices(spec):
        yield column.not_in(choices), f"a {spec.name} that is none of {', '.join(map(str, choices))}"
    if spec.kind is FieldKind.TEXT:
        yield from _of_length(spec, column, constraints, is_indexed=is_indexed)
    if spec.kind in _BOUNDED:
        yield from _of_bounds(connection, spec, column, constraints)
    yield from _of_others(connection, table, spec, column, constraints)


def _choices(spec: FieldSpec) -> tuple[Any, ...]:
    return spec.choices or tuple(member.value for member in spec.enum or ())


def _of_length(
    spec: FieldSpec, column: sa.ColumnElement[Any], constraints: list[Any], *, is_indexed: bool
) -> Iterator[_Condition]:
    maxima, shortest = _stated(constraints, "max_length"), _stated(constraints, "min_length")
    if is_indexed:
        maxima.append(MAX_INDEXED_TEXT)
    if maxima:
        yield sa.func.length(column) > min(maxima), f"a {spec.name} of more than {min(maxima)} characters"
    if shortest:
        yield sa.func.length(column) < max(shortest), f"a {spec.name} of less than {max(shortest)} characters"


def _of_bounds(
    connection: sa.Connection, spec: FieldSpec, column: sa.ColumnElement[Any], constraints: list[Any]
) -> Iterator[_Condition]:
    for constraint, comparison, words in _BOUNDS:
        for bound in _stated(constraints, constraint):
            limit = _number(connection, spec, bound) if spec.kind in _NUMBERS else bound
            yield getattr(column, comparison)(limit), f"a {spec.name} that is not {words} {bound}"


def _number(connection: sa.Connection, spec: FieldSpec, bound: Any) -> sa.ColumnElement[Any]:
    """Return a bound as the database compares it with the column: SQLite holds decimals as scaled integers."""
    exact = Decimal(str(bound))
    if spec.kind is FieldKind.DECIMAL and connection.dialect.name == "sqlite":
        exact = exact.scaleb(spec.scale or 0)
    return sa.literal_column(f"{exact:f}")


def _of_others(
    connection: sa.Connection, table: _Table, spec: FieldSpec, column: sa.ColumnElement[Any], constraints: list[Any]
) -> Iterator[_Condition]:
    """Yield a condition for each constraint that databases know differently, after asking it of the stored values."""
    for constraint, words in (("pattern", "that does not match"), ("multiple_of", "that is not a multiple of")):
        for stated in _stated(constraints, constraint):
            [one] = [known for known in constraints if getattr(known, constraint, None) is stated][:1]
            annotation: Any = Annotated[find_info(table.model, spec.name).annotation, one]
            if refused := _values(connection, table, column, TypeAdapter(annotation)):
                yield column.in_(refused), f"a {spec.name} {words} {stated}"


def _values(
    connection: sa.Connection, table: _Table, column: sa.ColumnElement[Any], check: TypeAdapter[Any]
) -> list[Any]:
    """Return the stored values that do not pass a check, not more than can be counted by one statement."""
    source, is_live, _ = table.live
    query = sa.select(column).select_from(source).where(is_live, column.is_not(None)).distinct()
    found: list[Any] = []
    for value in connection.execution_options(yield_per=_BATCH).scalars(query):
        try:
            check.validate_python(value)
        except pydantic.ValidationError:
            found.append(value)
            if len(found) == _MAX_VALUES:
                break
    return found


def _stated(constraints: list[Any], name: str) -> list[Any]:
    return [getattr(one, name) for one in constraints if getattr(one, name, None) is not None]
