"""The dialect of the sessions that the driver opens."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.mysql.base import MySQLIdentifierPreparer
from sqlalchemy.dialects.mysql.mariadb import loader
from sqlalchemy.engine import Dialect

__all__ = ["ensure_quotes", "make_dialect"]


class _Preparer(MySQLIdentifierPreparer):
    """Quotes every name, because SQLAlchemy's list of reserved words lacks some."""

    def _requires_quotes(self, value: str) -> bool:
        return True


def make_dialect() -> Dialect:
    """Return a dialect without backslash escapes, with `?` for parameters, and with what MariaDB can return."""
    dialect: Any = loader("asyncmy")(paramstyle="qmark")
    ensure_quotes(dialect)
    dialect._backslash_escapes = False
    dialect.insert_returning = dialect.delete_returning = True
    found: Dialect = dialect
    return found


def ensure_quotes(dialect: Any) -> None:
    """Make a dialect quote every name, as ANSI does."""
    dialect.preparer = _Preparer
    dialect.identifier_preparer = _Preparer(dialect, server_ansiquotes=True)
