"""SQLAlchemy statements compiled once to text with the order of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from framework_m_standard.sql.row_codec import Convert

__all__ = ["Parameter", "Statement", "compile_statement", "parameter"]


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A place for a value: its number among the values given, and what turns it into the driver's form."""

    number: int
    convert: Convert | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL text and how given values become its parameters. `heavy` statements may run long."""

    sql: str
    places: tuple[tuple[int, Convert | None], ...]
    constants: tuple[tuple[int, Any], ...]
    straight: bool
    heavy: bool = False

    def arrange(self, values: Sequence[Any]) -> Sequence[Any]:
        """Values, given by parameter number, in the order and form that the driver takes."""
        if self.straight:
            return values
        arranged = [
            values[number] if convert is None or values[number] is None else convert(values[number])
            for number, convert in self.places
        ]
        for place, constant in self.constants:
            arranged.insert(place, constant)
        return arranged


def parameter(number: int, type_: Any) -> sa.BindParameter[Any]:
    """A bind parameter that stands for the value of a number."""
    return sa.bindparam(f"v{number}", type_=type_)


def compile_statement(
    clause: ClauseElement, dialect: Dialect, parameters: Sequence[Parameter], *, heavy: bool = False
) -> Statement:
    """Compiles a clause whose bind parameters are named by `parameter`."""
    compiled = clause.compile(dialect=dialect)
    converts = {f"v{one.number}": (one.number, one.convert) for one in parameters}
    names = list(getattr(compiled, "positiontup", None) or ())
    places, constants = [], []
    for place, name in enumerate(names):
        if name in converts:
            places.append(converts[name])
        else:
            constants.append((place, (compiled.params or {})[name]))
    straight = not constants and [number for number, _ in places] == list(range(len(parameters)))
    straight = straight and all(convert is None for _, convert in places)
    return Statement(str(compiled), tuple(places), tuple(constants), straight, heavy)
