"""Errors of the client: a problem document becomes the class of its `code`, else that of its status."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

__all__ = [
    "AuthenticationError",
    "ClientError",
    "ConflictError",
    "CursorMissingError",
    "DocumentLinkedError",
    "DocumentSubmittedError",
    "DuplicateNameError",
    "DuplicateValueError",
    "FieldError",
    "IdempotencyConflictError",
    "InvalidLinkError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "ProblemError",
    "QueryError",
    "RateLimitError",
    "ServerUnreachableError",
    "ServiceUnavailableError",
    "UnexpectedResponseError",
    "ValidationError",
    "VersionConflictError",
    "error_of",
    "retry_after",
]

_MAX_BODY: Final = 200
"""Characters shown of a response that is not a problem document."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field; `field` is a dotted path such as `items.0.qty`."""

    field: str
    code: str
    message: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)


class ClientError(Exception):
    """Root of all errors that the client raises."""


class ServerUnreachableError(ClientError):
    """No response came; the cause is httpx's error. A write may have been stored."""


class UnexpectedResponseError(ClientError):
    """A response of success is not one of this API."""


class CursorMissingError(ClientError):
    """There are more documents, but the server gave no cursor, because the values sorted by are too long."""


class ProblemError(ClientError):
    """The server refused the request."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail", ""))
        self.request_id = problem.get("request_id")
        self.rule = problem.get("rule")
        self.errors = tuple(_field_errors(problem.get("errors")))
        self.retry_after = retry_after
        super().__init__(status, problem)

    def __str__(self) -> str:
        fields = "".join(f"; {error.field}: {error.message}" for error in self.errors)
        return f"{self.status} {self.code}: {self.detail}{fields}"


class ValidationError(ProblemError):
    """The request is not as declared; `errors` lists what is wrong in which field."""


class QueryError(ValidationError):
    """A filter, sort, field list or page is malformed, unknown or not readable."""


class InvalidLinkError(ValidationError):
    """A link points to a document that is missing or not readable."""


class AuthenticationError(ProblemError):
    """The caller must log in, or the credentials are invalid."""


class PermissionDeniedError(ProblemError):
    """The caller may not do this; `code` and `rule` say why."""


class NotFoundError(ProblemError):
    """No such document, DocType or method, or one that the caller may not see."""


class ConflictError(ProblemError):
    """What is stored does not allow the change."""


class VersionConflictError(ConflictError):
    """The document has changed since it was read: read it again, and repeat the change."""


class DuplicateNameError(ConflictError):
    """Another document of the DocType has this name."""


class DuplicateValueError(ConflictError):
    """Another document has this value in a unique field."""


class DocumentLinkedError(ConflictError):
    """Other documents link to the document."""


class DocumentSubmittedError(ConflictError):
    """The document is submitted or cancelled, which does not allow the change."""


class IdempotencyConflictError(ConflictError):
    """The idempotency key was used before with another body."""


class RateLimitError(ProblemError):
    """There were too many requests; `retry_after` is in seconds."""


class ServiceUnavailableError(ProblemError):
    """The server cannot serve now."""


class OutcomeUnknownError(ServiceUnavailableError):
    """The write is stored as a whole or not at all, and it is unknown which."""


_BY_CODE: Final[Mapping[str, type[ProblemError]]] = {
    "answer_too_large": QueryError,
    "bad_query": QueryError,
    "document_linked": DocumentLinkedError,
    "document_submitted": DocumentSubmittedError,
    "duplicate_name": DuplicateNameError,
    "duplicate_value": DuplicateValueError,
    "idempotency_conflict": IdempotencyConflictError,
    "invalid_link": InvalidLinkError,
    "outcome_unknown": OutcomeUnknownError,
    "precondition_failed": VersionConflictError,
    "server_stopped": OutcomeUnknownError,
    "version_conflict": VersionConflictError,
}
_BY_STATUS: Final[Mapping[int, type[ProblemError]]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: VersionConflictError,
    429: RateLimitError,
    502: ServiceUnavailableError,
    503: ServiceUnavailableError,
    504: ServiceUnavailableError,
}


def error_of(response: httpx.Response) -> ProblemError:
    """Return the error of a response, also of one that a proxy made."""
    problem = _problem(response)
    kind = _BY_CODE.get(str(problem.get("code"))) or _BY_STATUS.get(response.status_code, ProblemError)
    return kind(response.status_code, problem, retry_after(response))


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of the `Retry-After` header, if it states seconds."""
    stated = response.headers.get("retry-after", "")
    return float(stated) if stated.isascii() and stated.isdigit() else None


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = json.loads(response.content)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return problem
    return {"detail": f"{response.reason_phrase} {response.text[:_MAX_BODY]}".strip()}


def _field_errors(given: Any) -> Iterator[FieldError]:
    """Yield the field errors of a problem document, whoever wrote it."""
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict):
            place, code, message = (str(one.get(name, "")) for name in ("field", "code", "message"))
            yield FieldError(place, code, message, one.get("params") or {})
