"""Translation of MariaDB's errors to the port's errors."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from asyncmy.errors import InterfaceError, MySQLError

from framework_m_core.spi import DatabaseError, FrameworkError, IntegrityError, TransientError
from framework_m_standard.sql.engine.error_translation import UNAVAILABLE, make_duplicate_error

__all__ = ["Columns", "is_lost", "is_rolled_back", "translate_mariadb_error"]

_DUPLICATE: Final = frozenset({1062, 1586})
_FOREIGN_KEY: Final = frozenset({1216, 1217, 1451, 1452})
_OTHER_INTEGRITY: Final = frozenset({1048, 1364, 4025})
_DEADLOCK: Final = 1213
_PACKET_TOO_LARGE: Final = 1153
_LOST: Final = frozenset({1053, 1080, 1153, 1158, 1159, 1160, 1161, 1184, 1927})
"""Errors after which the server closes the connection, besides the client's own, which begin at 2000."""

_BUSY: Final = frozenset({1020, 1040, 1203, 1205, 1213, 1226, 1290, 1317, 1412, 1461, 1615, 1836, 1969, 3024})
_KEY: Final = re.compile(r"for key '(?P<key>[^']*)'$")
_TABLE: Final = re.compile(r"(?:INSERT INTO|UPDATE)\s+[\"`]?(?P<table>\w+)", re.IGNORECASE)

type Columns = Callable[[str], Awaitable[Sequence[tuple[str, str]]]]
"""Returns the table and the columns of an index."""


def is_lost(error: BaseException | None) -> bool:
    """Return whether the connection cannot be used after an error."""
    if isinstance(error, MySQLError):
        code = _code(error)
        return isinstance(error, InterfaceError) or code in _LOST or 2000 <= code < 3000
    return isinstance(error, OSError)


def is_rolled_back(error: BaseException) -> bool:
    """Return whether the database has rolled the whole transaction back."""
    return is_lost(error) or (isinstance(error, MySQLError) and _code(error) == _DEADLOCK)


async def translate_mariadb_error(error: Exception, sql: str, columns: Columns) -> Exception:
    """Return the port's error for an error of the driver, and any other error unchanged."""
    if isinstance(error, FrameworkError) or not isinstance(error, (MySQLError, OSError)):
        return error
    code = _code(error)
    if code == _PACKET_TOO_LARGE:
        return DatabaseError(
            "the write or the answer is larger than the server's max_allowed_packet: write less at once, or raise it"
        )
    if is_lost(error) or code in _BUSY:
        return TransientError(UNAVAILABLE)
    if code in _DUPLICATE:
        return await _duplicate(str(error.args[1]), sql, columns)
    if code in _FOREIGN_KEY:
        return IntegrityError("a link points to a missing document, or others link to the deleted one")
    if code in _OTHER_INTEGRITY:
        return IntegrityError("the store refuses these values: a constraint is broken")
    return DatabaseError("the database refused the statement")


async def _duplicate(message: str, sql: str, columns: Columns) -> FrameworkError:
    """Return the error of a broken unique index, whose columns MariaDB does not tell."""
    found = _KEY.search(message)
    if found is None or found["key"] == "PRIMARY":
        table = _TABLE.match(sql)
        return make_duplicate_error(table["table"] if table else "", ["id"])
    rows = await columns(found["key"])
    if not rows:  # the index is being made
        return make_duplicate_error("", [found["key"]])
    return make_duplicate_error(rows[0][0], [column for _, column in rows])


def _code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0
