"""The filter tree as SQL. Negations are pushed to the leaves, which handle null, so NULL always counts as false."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from framework_m_core.spi import And, Comparison, FieldSpec, Filter, Not, Or, fold_ascii
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE, Convert, format_json, make_encoders
from framework_m_standard.sql.engine.statement import Parameter, make_parameter

__all__ = ["Condition", "FilterCompiler"]

type Condition = sa.ColumnElement[bool]

_NEGATIONS = {"ne": "eq", "not_in": "in"}
_ORDERINGS: Mapping[str, Callable[[Any, Any], Condition]] = {
    "eq": lambda column, value: column == value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
}


class FilterCompiler:
    """Compiler of the filters of one statement; parameters are numbered in the order of the placeholders."""

    def __init__(self, table: sa.FromClause, specs: Mapping[str, FieldSpec], dialect: str, first: int = 0) -> None:
        self.parameters: list[Parameter] = []
        self._table = table
        self._specs = specs
        self._dialect = dialect
        self._next = first

    def compile(self, tree: Filter, *, negate: bool = False) -> Condition:
        """Return the SQL condition of a parameterized filter."""
        match tree:
            case And(parts) | Or(parts):
                conditions = [self.compile(part, negate=negate) for part in parts]
                all_hold = isinstance(tree, And) is not negate
                if not conditions:
                    return sa.true() if all_hold else sa.false()
                return sa.and_(*conditions) if all_hold else sa.or_(*conditions)
            case Not(part):
                return self.compile(part, negate=not negate)
            case Comparison():
                return self._comparison(tree, negate)
        raise TypeError(f"not a filter: {tree!r}")

    def _comparison(self, node: Comparison, negate: bool) -> Condition:
        spec = self._specs[node.field]
        first, *others = spec.columns
        if others:
            return self._whole(node, spec, negate)
        column = self._table.c[first.name]
        if node.operator == "is_null":
            return column.is_(None) if node.value is not negate else column.is_not(None)
        opposite = _NEGATIONS.get(node.operator)
        negate = negate is not (opposite is not None)
        condition = self._condition(column, spec, opposite or node.operator, node.value)
        if not negate:
            return condition
        denied = sa.not_(condition)
        return sa.or_(column.is_(None), denied) if spec.nullable else denied

    def _whole(self, node: Comparison, spec: FieldSpec, negate: bool) -> Condition:
        """Return the condition on a field of several columns, which are compared together."""
        columns = [self._table.c[column.name] for column in spec.columns]
        lacks = sa.or_(*(column.is_(None) for column in columns))
        if node.operator == "is_null":
            return lacks if node.value is not negate else sa.and_(*(column.is_not(None) for column in columns))
        if node.operator not in {"eq", "ne"}:
            raise TypeError(f"{node.operator!r} cannot compare {spec.name!r}, which is stored in several columns")
        number = self._take_number()
        converts = enumerate(make_encoders(self._dialect, spec))
        self.parameters += [Parameter(number, convert, part) for part, convert in converts]
        pairs = [(column, make_parameter(number, column.type, part)) for part, column in enumerate(columns)]
        if (node.operator == "ne") is negate:
            return sa.and_(*(column == value for column, value in pairs))
        return sa.or_(lacks, *(column != value for column, value in pairs))

    def _condition(self, column: sa.ColumnElement[Any], spec: FieldSpec, operator: str, placeholder: Any) -> Condition:
        if operator in _ORDERINGS:
            return _ORDERINGS[operator](column, self._value(column, spec))
        if operator == "in":
            return column.in_([self._value(column, spec) for _ in range(placeholder.size)])
        if operator == "between":
            return sa.and_(column >= self._value(column, spec), column <= self._value(column, spec))
        if operator == "has":
            return self._has(column, spec)
        return self._pattern(column, spec, operator)

    def _has(self, column: sa.ColumnElement[Any], spec: FieldSpec) -> Condition:
        if self._dialect == MARIADB:
            return sa.func.json_contains(column, self._value(column, spec, format_json)) == sa.literal_column("1")
        if self._dialect != SQLITE:
            return column.contains(self._value(column, spec, lambda item: format_json([item])))
        elements = sa.func.json_each(column).table_valued("value")
        return sa.exists().where(elements.c.value == self._value(column, spec, lambda item: item))

    def _pattern(self, column: sa.ColumnElement[Any], spec: FieldSpec, operator: str) -> Condition:
        if operator == "ilike":
            return _lower_ascii(self._dialect, column).like(self._value(column, spec, fold_ascii), escape="\\")
        return column.like(self._value(column, spec, _PATTERNS[operator]), escape="\\")

    def _value(
        self, column: sa.ColumnElement[Any], spec: FieldSpec, convert: Convert | None = None
    ) -> sa.BindParameter[Any]:
        number = self._take_number()
        self.parameters.append(Parameter(number, convert or make_encoders(self._dialect, spec)[0]))
        return make_parameter(number, column.type)

    def _take_number(self) -> int:
        self._next += 1
        return self._next - 1

    def add_integer(self) -> sa.BindParameter[Any]:
        """Add and return a parameter for a limit or an offset."""
        number = self._take_number()
        self.parameters.append(Parameter(number))
        return make_parameter(number, sa.BigInteger())


def _lower_ascii(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a text with its letters of ASCII in lower case; MariaDB's own function would fold all letters."""
    if dialect != MARIADB:
        return sa.func.lower(column)
    for letter in string.ascii_uppercase:
        capital: Any = sa.literal_column(f"'{letter}'")
        small: Any = sa.literal_column(f"'{letter.lower()}'")
        column = sa.func.replace(column, capital, small)
    return column


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_PATTERNS: Mapping[str, Convert | None] = {
    "like": lambda pattern: pattern,
    "contains": lambda text: f"%{_escaped(text)}%",
    "starts_with": lambda text: f"{_escaped(text)}%",
}
