"""SQLAlchemy statements compiled once to text and the order of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from framework_m_standard.sql.engine.row_codec import Convert

__all__ = ["Parameter", "Statement", "compile_statement", "make_parameter", "render_clause", "render_literal"]


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter: the number of its value among the given values, and the conversion to the driver's form.

    A value that is stored in several columns has a parameter for each `part`.
    """

    number: int
    convert: Convert | None = None
    part: int = 0

    @property
    def name(self) -> str:
        """The name of its bind parameter."""
        return _bind_name(self.number, self.part)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL text and the mapping of given values to its parameters: unchanged if `numbers` is None, else arranged.

    `heavy` statements may be slow.
    """

    sql: str
    numbers: tuple[int, ...] | None = None
    converts: tuple[tuple[int, Convert], ...] = ()
    constants: tuple[tuple[int, Any], ...] = ()
    heavy: bool = False

    def arrange(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return the values, given by parameter number, in the order and form that the driver expects."""
        if self.numbers is None:
            return values
        arranged = [values[number] for number in self.numbers]
        for place, convert in self.converts:
            if arranged[place] is not None:
                arranged[place] = convert(arranged[place])
        for place, constant in self.constants:
            arranged.insert(place, constant)
        return arranged


def make_parameter(number: int, type_: Any, part: int = 0) -> sa.BindParameter[Any]:
    """Return a bind parameter for the value with this number, or for a part of it."""
    return sa.bindparam(_bind_name(number, part), type_=type_)


def _bind_name(number: int, part: int) -> str:
    return f"v{number}_{part}" if part else f"v{number}"


def compile_statement(
    clause: ClauseElement, dialect: Dialect, parameters: Sequence[Parameter], *, heavy: bool = False
) -> Statement:
    """Compile a clause whose bind parameters are made by `make_parameter`."""
    compiled = clause.compile(dialect=dialect)
    converts = {one.name: (one.number, one.convert) for one in parameters}
    names = list(getattr(compiled, "positiontup", None) or ())
    places, constants = [], []
    for place, name in enumerate(names):
        if name in converts:
            places.append(converts[name])
        else:
            constants.append((place, (compiled.params or {})[name]))
    numbers = tuple(number for number, _ in places)
    converting = tuple((place, convert) for place, (_, convert) in enumerate(places) if convert)
    if not constants and not converting and numbers == tuple(range(len(parameters))):
        return Statement(str(compiled), heavy=heavy)
    return Statement(str(compiled), numbers, converting, tuple(constants), heavy)


def render_literal(dialect: Dialect, column_type: sa.types.TypeEngine[Any], value: Any) -> str:
    """Return the SQL literal of a value in the driver's form for a column of this type."""
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea" if dialect.name == "postgresql" else f"X'{value.hex()}'"
    return render_clause(dialect, sa.literal(value, sa.Text() if isinstance(value, str) else column_type))


def render_clause(dialect: Dialect, clause: Any) -> str:
    """Return the SQL text of a clause with its values inlined."""
    return str(clause.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
