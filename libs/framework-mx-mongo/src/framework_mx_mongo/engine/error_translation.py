"""Translation of PyMongo's errors to the port's errors, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError

from framework_m_core.spi import (
    DatabaseError,
    DuplicateNameError,
    DuplicateValueError,
    FrameworkError,
    IntegrityError,
    OutcomeUnknownError,
    TransientError,
)

__all__ = ["AWAY", "CONTENDED", "InvalidDocumentError", "translate_commit_errors", "translate_errors"]

AWAY: Final = "the database is unavailable or busy: try again"
CONTENDED: Final = "others have changed the same documents meanwhile: try again"
_DUPLICATE, _INVALID = 11000, 121
_WRITE_CONFLICT, _NO_SUCH_TRANSACTION, _LOCK_TIMEOUT = 112, 251, 24
_TOO_LARGE: Final = frozenset({10334, 17280, 17420})
_TRANSIENT_CODES: Final = frozenset({_WRITE_CONFLICT, _NO_SUCH_TRANSACTION, _LOCK_TIMEOUT})
_TRANSIENT_LABEL: Final = "TransientTransactionError"
_UNKNOWN_LABEL: Final = "UnknownTransactionCommitResult"


class InvalidDocumentError(IntegrityError):
    """The validator of a collection refuses a document."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise PyMongo's errors as the port's."""
    try:
        yield
    except (PyMongoError, BSONError, OverflowError) as error:
        raise _translate(error) from error


@contextmanager
def translate_commit_errors() -> Iterator[None]:
    """Raise the errors of a commit as the port's; whether it took effect may be unknown."""
    try:
        yield
    except PyMongoError as error:
        conflict = error.has_error_label(_TRANSIENT_LABEL) or _code(error) in _TRANSIENT_CODES
        if not conflict and (error.has_error_label(_UNKNOWN_LABEL) or isinstance(error, ConnectionFailure)):
            raise OutcomeUnknownError(
                "the connection was lost during the commit: read the document to see whether it was stored"
            ) from error
        raise _translate(error) from error


def _translate(error: Exception) -> FrameworkError:
    if not isinstance(error, PyMongoError):
        return IntegrityError(f"the store refuses these values: {error}")
    details = _details(error)
    code = _code(error)
    if code == _DUPLICATE:
        return _duplicate(details.get("keyPattern") or {})
    if code in _TOO_LARGE or isinstance(error, DocumentTooLarge):
        return IntegrityError("the store refuses these values: a document may have 16 MB")
    if code == _INVALID:
        return InvalidDocumentError("the store refuses these values: they do not fit the collection's validator")
    if error.timeout:
        return TransientError(AWAY, retryable=False)
    if isinstance(error, ConnectionFailure):
        return TransientError(AWAY)
    if error.has_error_label(_TRANSIENT_LABEL) or code in _TRANSIENT_CODES:
        return TransientError(CONTENDED, contended=True)
    return DatabaseError("the database refused the statement")


def _details(error: PyMongoError) -> Mapping[str, Any]:
    details = (error.details if isinstance(error, OperationFailure) else None) or {}
    if isinstance(error, BulkWriteError):
        return (details.get("writeErrors") or [details])[0]  # type: ignore[no-any-return]
    return details


def _code(error: PyMongoError) -> int | None:
    return _details(error).get("code") or getattr(error, "code", None)


def _duplicate(key: Mapping[str, Any]) -> FrameworkError:
    columns = [*key]
    if columns == ["name"]:
        return DuplicateNameError("another document has this name: choose another")
    if columns in ([], ["_id"]):
        return IntegrityError("a document with this id exists already")
    if any("." in column for column in columns):
        return IntegrityError("a child row has the id of another one")
    fields = list(dict.fromkeys(column.partition("__")[0] for column in columns))
    return DuplicateValueError(f"another document has this value in {', '.join(fields)}", fields=fields)
