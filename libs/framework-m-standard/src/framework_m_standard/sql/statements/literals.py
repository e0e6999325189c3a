"""Values as SQL text, for statements that take no parameters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

__all__ = ["literal_text", "sql_literal"]


def sql_literal(dialect: Dialect, column_type: sa.types.TypeEngine[Any], value: Any) -> str:
    """A value in the driver's form as a column of the type takes it."""
    return literal_text(dialect, sa.literal(value, sa.Text() if isinstance(value, str) else column_type))


def literal_text(dialect: Dialect, clause: Any) -> str:
    """A clause with its values in it."""
    return str(clause.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
