"""The error tree of the framework.

Every error has a stable `code`, a message that states what was expected, what was got and how to fix it, and a
`details` mapping. None depends on HTTP: only `http/wire/error_responses` decides the status.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from framework_m_core.domain.messages import format_message

__all__ = [
    "AmendedDocumentError",
    "AnswerTooLargeError",
    "AuthenticationError",
    "ConfigurationError",
    "ControllerError",
    "DatabaseError",
    "DocTypeNotFoundError",
    "DocumentNotDeletedError",
    "DuplicateNameError",
    "DuplicateValueError",
    "EntityNotFoundError",
    "FieldError",
    "FrameworkError",
    "IdempotencyConflictError",
    "IntegrityError",
    "LastAdministratorError",
    "LinkTargetError",
    "LinkedDocumentError",
    "MethodNotFoundError",
    "MigrationError",
    "NoGrantError",
    "OutcomeUnknownError",
    "OutsideScopeError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "PreconditionRequiredError",
    "QueryError",
    "RateLimitError",
    "RepositoryError",
    "SubmittedDocumentError",
    "TransientError",
    "ValidationError",
    "VersionConflictError",
    "combine_errors",
    "gather_errors",
]


_MAX_SHOWN: Final = 10
_MAX_LENGTH: Final = 200
"""Limits on the errors in the text of a ValidationError, as names in them may be as long as a body."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field; `field` is a dotted path such as `items.0.qty`.

    `params` are what the message is made with, so that it can be translated; they never hold a stored or hidden
    value. Without `message`, the text is that of `code` and `params` in `domain/messages`.
    """

    field: str
    code: str
    message: str = ""
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.message:
            object.__setattr__(self, "message", format_message(self.code, self.params))


class FrameworkError(Exception):
    """Root of all errors that the framework raises on purpose."""

    code: ClassVar[str] = "framework_error"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = details


class ValidationError(FrameworkError):
    """A document or a request is not as declared; `errors` lists every error found.

    Its text names the first of them; `message` is the text without them.

    >>> print(ValidationError("the order is not valid", [FieldError("qty", "too_small", "expected at least 1")]))
    the order is not valid; qty: expected at least 1
    """

    code = "validation_failed"

    def __init__(self, message: str, errors: Iterable[FieldError] = (), **details: object) -> None:
        """`errors` are all that were found, a field each."""
        super().__init__(message, **details)
        self.errors = tuple(errors)
        _check_shape(message, self.errors)

    def __str__(self) -> str:
        told = [(f"{one.field}: {one.message}", one.message) for one in self.errors]
        lines = [line for line, message in told if self.message not in (line, message)]
        more = [f"and {len(lines) - _MAX_SHOWN} more"] if len(lines) > _MAX_SHOWN else []
        return "; ".join([self.message, *map(_truncate, lines[:_MAX_SHOWN]), *more])


def _check_shape(message: object, errors: Iterable[object]) -> None:
    if not isinstance(message, str) or not all(isinstance(one, FieldError) for one in errors):
        raise TypeError(
            "expected a text and a list of FieldError, such as "
            "ValidationError('the order is not valid', [FieldError('qty', 'too_small', 'expected at least 1')])"
        )


@contextmanager
def gather_errors(refused: list[ValidationError]) -> Iterator[None]:
    """Append what the block refuses to a list, so that one answer tells all that is wrong with a request."""
    try:
        yield
    except ValidationError as error:
        refused.append(error)


def combine_errors(refused: Sequence[ValidationError]) -> ValidationError:
    """Return one error for several, with the fields of all: the only one as it is, else one of their common kind.

    >>> print(combine_errors([ValidationError("a", [FieldError("x", "required")]), QueryError("b")]))
    the request is not valid; x: this field is required; *: b
    """
    if len(refused) == 1:
        return refused[0]
    kinds = {type(error) for error in refused}
    kind = kinds.pop() if len(kinds) == 1 else ValidationError
    errors = [one for error in refused for one in error.errors or (FieldError("*", error.code, error.message),)]
    return kind("the request is not valid", errors)


def _truncate(text: str) -> str:
    """Return a text, truncated and with control characters and line breaks replaced by spaces."""
    line = "".join(character if character.isprintable() else " " for character in text[: _MAX_LENGTH + 1])
    return line if len(line) <= _MAX_LENGTH else f"{line[:_MAX_LENGTH]}…"


class QueryError(ValidationError):
    """A filter, sort, field list, page or parameter of a read is malformed, unknown or not readable."""

    code = "bad_query"


class AnswerTooLargeError(QueryError):
    """The documents of a page have too many bytes together, where the page cannot end earlier."""

    code = "answer_too_large"


class LinkTargetError(ValidationError):
    """A link points to a document that is missing, deleted or not readable; the error does not say which."""

    code = "invalid_link"


class AuthenticationError(FrameworkError):
    """The caller must be logged in, or the credentials are invalid."""

    code = "unauthenticated"

    def __init__(self, message: str = "expected a logged-in caller, got an anonymous one: log in first") -> None:
        super().__init__(message)


class PermissionDeniedError(FrameworkError):
    """The caller has no grant for the action; `rule` in the details names what was missing."""

    code = "permission_denied"


class NoGrantError(PermissionDeniedError):
    """None of the caller's roles has this action on the DocType."""

    code = "no_grant"


class OutsideScopeError(PermissionDeniedError):
    """The caller may read the document, but the action's scope does not cover it."""

    code = "outside_scope"


class RateLimitError(FrameworkError):
    """Too many attempts; `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, retry_after=retry_after)
        self.retry_after = retry_after


class DocTypeNotFoundError(FrameworkError):
    """No DocType of this name is registered, or it has no API.

    `meant` is a suggestion for callers who may see every DocType: part of the text, but not of `message`.
    """

    code = "doctype_not_found"

    def __init__(self, message: str, *, meant: str = "", **details: object) -> None:
        super().__init__(message, **details)
        self._meant = meant

    def __str__(self) -> str:
        return self.message + self._meant


class MethodNotFoundError(FrameworkError):
    """No method or function of this name is declared callable."""

    code = "method_not_found"


class EntityNotFoundError(FrameworkError):
    """No such document, or one outside the caller's read scope; the error does not say which."""

    code = "not_found"


class DuplicateNameError(FrameworkError):
    """Another live document of the DocType has this name."""

    code = "duplicate_name"


class DuplicateValueError(FrameworkError):
    """Another live document has this value in a unique field or index."""

    code = "duplicate_value"


class VersionConflictError(FrameworkError):
    """The document has changed since the caller read it."""

    code = "version_conflict"


class PreconditionFailedError(VersionConflictError):
    """`If-Match` names another version than the stored one, or `If-None-Match` that one."""

    code = "precondition_failed"


class PreconditionRequiredError(FrameworkError):
    """The request must state which version it changes."""

    code = "precondition_required"


class SubmittedDocumentError(FrameworkError):
    """The document's state (submitted or cancelled) does not allow this change."""

    code = "document_submitted"


class AmendedDocumentError(FrameworkError):
    """The cancelled document has an amendment already."""

    code = "document_amended"


class DocumentNotDeletedError(FrameworkError):
    """The document to restore is not deleted."""

    code = "document_not_deleted"


class LinkedDocumentError(FrameworkError):
    """The document cannot be deleted or cancelled while others link to it.

    `linked_by` in the details names some that the caller may read, each by `doctype`, `id` and `name`; `others` is the
    number of those that it does not name.
    """

    code = "document_linked"


class ControllerError(FrameworkError):
    """A hook, stage or method does what cannot be stored, such as writing its own document before that is stored."""

    code = "controller_error"


class LastAdministratorError(FrameworkError):
    """The change would leave nobody with the role Administrator who may log in."""

    code = "last_administrator"


class IdempotencyConflictError(FrameworkError):
    """The idempotency key was used before with another body."""

    code = "idempotency_conflict"


class ConfigurationError(FrameworkError):
    """The process cannot start as configured; `errors` lists everything found, one sentence each."""

    code = "configuration"

    def __init__(self, message: str, errors: Iterable[str] = ()) -> None:
        self.errors = tuple(errors)
        super().__init__(message, errors=self.errors)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  - {error}" for error in self.errors)])


class RepositoryError(FrameworkError):
    """A store refused or failed; adapters translate their vendor's errors into this branch."""

    code = "repository_error"


class DatabaseError(RepositoryError):
    """The store failed in a way that a retry does not fix."""

    code = "database_error"


class IntegrityError(RepositoryError):
    """A constraint of the store was broken that no more precise error describes."""

    code = "integrity_error"


class MigrationError(RepositoryError):
    """A revision or a patch failed; its changes were rolled back, and no later step was run."""

    code = "migration_failed"


class OutcomeUnknownError(RepositoryError):
    """The connection was lost during a commit: the write is stored whole or not at all, and it is unknown which."""

    code = "outcome_unknown"


class TransientError(RepositoryError):
    """The store is unavailable or busy, or detected a serialization conflict: the whole unit may be retried."""

    code = "service_unavailable"

    def __init__(self, message: str, *, retryable: bool = True, contended: bool = False) -> None:
        """`retryable` is False after a timeout, and for a failure that an operator must resolve.

        `contended` is for stores without blocking locks: another unit was faster, and nobody waits for its turn.
        """
        super().__init__(message)
        self.retryable = retryable
        self.contended = contended
