"""Translation of driver errors to the port's errors, in one place."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from framework_m_core.spi import (
    DatabaseError,
    DuplicateNameError,
    DuplicateValueError,
    FrameworkError,
    IntegrityError,
    TransientError,
)

__all__ = ["UNAVAILABLE", "make_duplicate_error", "translate_sqlite_errors", "translated_postgres"]

UNAVAILABLE = "the database is unavailable or busy: try again"
_TRANSIENT_STATES = ("40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "08")
_UNIQUE, _FOREIGN_KEY, _OTHER_INTEGRITY = "23505", "23503", "23"
_COLUMNS = re.compile(r"\((?P<columns>[^)]*)\)=")
_SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (?P<columns>.*)")


_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT}
_SQLITE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


class translated_postgres:  # noqa: N801 - used like a function; a generator would cost more than what it guards
    """A context manager that raises asyncpg's errors as the port's."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, FrameworkError):
            return
        if isinstance(error, (ConnectionError, TimeoutError, OSError)):
            raise TransientError(UNAVAILABLE) from error
        state = getattr(error, "sqlstate", None)
        if state is not None or type(error).__name__ in {"InterfaceError", "InternalClientError"}:
            raise _postgres_error(error, state or "08000") from error


def _postgres_error(error: Exception, state: str) -> FrameworkError:
    if state.startswith(_TRANSIENT_STATES):
        return TransientError(UNAVAILABLE)
    if state == _UNIQUE:
        found = _COLUMNS.search(getattr(error, "detail", "") or "")
        columns = found["columns"].replace('"', "").split(", ") if found else []
        return make_duplicate_error(getattr(error, "table_name", "") or "", columns)
    if state == _FOREIGN_KEY:
        return IntegrityError("a link points to a missing document, or others link to the deleted one")
    if state.startswith(_OTHER_INTEGRITY):
        return IntegrityError("the store refuses these values: a constraint is broken")
    return DatabaseError("the database refused the statement")


@contextmanager
def translate_sqlite_errors() -> Iterator[None]:
    """Raise sqlite3's errors as the port's."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise _sqlite_integrity(error) from error
    except sqlite3.OperationalError as error:
        raise _sqlite_operational(error.sqlite_errorcode & 0xFF) from error
    except sqlite3.Error as error:
        raise DatabaseError("the database refused the statement") from error


def _sqlite_operational(code: int) -> FrameworkError:
    if code in _SQLITE_DISK:
        message = "the database cannot be read or written: check the disk and the file's permissions"
        return TransientError(message, retryable=False)
    return TransientError(UNAVAILABLE) if code in _SQLITE_BUSY else DatabaseError("the database refused the statement")


def _sqlite_integrity(error: sqlite3.IntegrityError) -> FrameworkError:
    found = _SQLITE_COLUMNS.search(str(error))
    if found:
        qualified = found["columns"].split(", ")
        return make_duplicate_error(qualified[0].partition(".")[0], [name.partition(".")[2] for name in qualified])
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return IntegrityError("a link points to a missing document, or others link to the deleted one")
    return IntegrityError("the store refuses these values: a constraint is broken")


def make_duplicate_error(table: str, columns: list[str]) -> FrameworkError:
    """Return the error of a unique index of these columns."""
    if table == "m_idempotency":
        return TransientError("another request is doing this write with the same key: try again for its response")
    if columns == ["name"]:
        return DuplicateNameError("another document has this name: choose another")
    fields = list(dict.fromkeys(column.partition("__")[0] for column in columns))
    return DuplicateValueError(f"another document has this value in {', '.join(fields)}", fields=fields)
