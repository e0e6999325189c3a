"""Errors as `application/problem+json` (RFC 9457). The only place that knows the status of an error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response
from litestar.exceptions import HTTPException

from framework_m_core.domain import errors
from framework_m_core.domain.errors import FieldError, FrameworkError, RateLimitError, ValidationError
from framework_m_standard.http.wire import request_errors
from framework_m_standard.http.wire.asgi import request_state_of
from framework_m_standard.http.wire.request_errors import ContentCodingError, InvalidTokenError, MethodNotAllowedError
from framework_m_standard.http.wire.responses import Headers, RawResponse, encode

__all__ = ["STATUS", "respond_to_exception", "status_of", "to_problem"]

_log = logging.getLogger(__name__)

STATUS: Final[Mapping[type[FrameworkError], int]] = {
    errors.ValidationError: 400,
    request_errors.MalformedRequestError: 400,
    request_errors.PreflightRefusedError: 400,
    errors.AuthenticationError: 401,
    errors.PermissionDeniedError: 403,
    errors.MethodNotFoundError: 404,
    errors.DocTypeNotFoundError: 404,
    errors.EntityNotFoundError: 404,
    request_errors.RouteNotFoundError: 404,
    request_errors.MethodNotAllowedError: 405,
    errors.DuplicateNameError: 409,
    errors.DuplicateValueError: 409,
    errors.IdempotencyConflictError: 409,
    errors.IntegrityError: 409,
    errors.LastAdministratorError: 409,
    errors.LinkedDocumentError: 409,
    errors.AmendedDocumentError: 409,
    errors.DocumentNotDeletedError: 409,
    errors.SubmittedDocumentError: 409,
    errors.VersionConflictError: 409,
    errors.PreconditionFailedError: 412,
    request_errors.BodyTooLargeError: 413,
    request_errors.TargetTooLongError: 414,
    request_errors.MediaTypeError: 415,
    errors.PreconditionRequiredError: 428,
    errors.RateLimitError: 429,
    request_errors.HeadTooLargeError: 431,
    errors.FrameworkError: 500,
    errors.OutcomeUnknownError: 503,
    errors.TransientError: 503,
    request_errors.NotReadyError: 503,
    request_errors.ServerStoppedError: 503,
}

_GENERIC: Final[Mapping[type[FrameworkError], str]] = {
    errors.IntegrityError: "the change conflicts with what is stored",
    errors.OutcomeUnknownError: "the store was lost during the write: read it back before you try again, "
    "or send an Idempotency-Key and repeat the request",
    errors.TransientError: "the store is busy or unavailable: try again",
}
"""Messages that replace those of errors which may quote the store."""

_MAX_ERRORS: Final = 100
_MAX_FIELD: Final = 200
_MAX_MESSAGE: Final = 1000
"""Characters shown of a field error: names and values in it come from the sender and may be as long as a body."""

_MAX_PARAMS: Final = 20
_MAX_ITEMS: Final = 100
_MAX_INTEGER: Final = 1 << 63
"""Bounds of the parameters shown of a field error: hooks may put anything there."""

_FAILED: Final = "an internal error occurred: find it in the server's log by the request id"
_RETRY_SECONDS: Final = 2
_PROBLEM: Final = (b"content-type", b"application/problem+json")
_NO_STORE: Final = (b"cache-control", b"no-store")
_OUTCOME_UNKNOWN: Final = (errors.OutcomeUnknownError, request_errors.ServerStoppedError)
"""Errors without a Retry-After, because the write may have been stored."""

_HTTP_CODES: Final = {404: "route_not_found", 405: "method_not_allowed", 413: "body_too_large"}


def status_of(error: Exception) -> int:
    """Return the status of an error; an unexpected one is 500."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def to_problem(error: Exception, request_id: UUID) -> RawResponse:
    """Return the response to an error; server errors are logged, and 500 does not reveal their details."""
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _report(error, status, request_id)
    code = _code(error, status)
    body: dict[str, Any] = {
        "type": f"urn:framework-m:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": _detail(error, status),
        "code": code,
        "request_id": request_id,
    }
    if isinstance(error, errors.DuplicateValueError):
        names: Any = error.details.get("fields", ())
        found = [FieldError(name, code) for name in names]
        body["errors"] = [_serialize_error(one) for one in found]
    if isinstance(error, errors.LinkedDocumentError):
        body |= {name: error.details[name] for name in ("linked_by", "others") if name in error.details}
    if isinstance(error, ValidationError):
        body["errors"] = [_serialize_error(one) for one in error.errors[:_MAX_ERRORS]]
        if len(error.errors) > _MAX_ERRORS:
            body["detail"] += f" (the first {_MAX_ERRORS} of {len(error.errors)} errors are listed)"
    if "rule" in getattr(error, "details", ()):
        body["rule"] = error.details["rule"]  # type: ignore[attr-defined]
    return RawResponse(status, encode(body), (_PROBLEM, _NO_STORE, *_headers(error, status)))


def respond_to_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Respond to an exception; Litestar's exception handler."""
    response = to_problem(error, request_state_of(request.scope).context.request_id)
    headers = {name.decode(): value.decode("latin-1") for name, value in response.headers[1:]}
    return Response(response.body, status_code=response.status, media_type="application/problem+json", headers=headers)


def _serialize_error(error: FieldError) -> dict[str, Any]:
    """Return a field error as served: its texts truncated, and only parameters that are plain values or lists."""
    params = [(str(name)[:_MAX_FIELD], value) for name, value in [*error.params.items()][:_MAX_PARAMS]]
    return {
        "field": error.field[:_MAX_FIELD],
        "code": error.code,
        "message": error.message[:_MAX_MESSAGE],
        "params": {name: _serialize_value(value) for name, value in params if _is_serializable(value)},
    }


def _is_serializable(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_serializable(item) and not isinstance(item, (list, tuple)) for item in value)
    if isinstance(value, int):
        return -_MAX_INTEGER <= value < _MAX_INTEGER
    return value is None or isinstance(value, (str, float, Decimal, date, UUID))


def _serialize_value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_serialize_value(item) for item in value[:_MAX_ITEMS]]
    return value[:_MAX_FIELD] if isinstance(value, str) else value


def _code(error: Exception, status: int) -> str:
    if isinstance(error, FrameworkError) and (status != HTTPStatus.INTERNAL_SERVER_ERROR):
        return error.code
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return "internal_error"
    return _HTTP_CODES.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_")


def _detail(error: Exception, status: int) -> str:
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _FAILED
    generic = next((_GENERIC[kind] for kind in type(error).__mro__ if kind in _GENERIC), None)
    if generic is not None:
        return generic
    return error.message if isinstance(error, FrameworkError) else HTTPStatus(status).phrase


def _headers(error: Exception, status: int) -> Headers:
    if status == HTTPStatus.UNAUTHORIZED:
        is_told = isinstance(error, InvalidTokenError)
        return ((b"www-authenticate", b'Bearer error="invalid_token"' if is_told else b"Bearer"),)
    if isinstance(error, RateLimitError):
        return ((b"retry-after", b"%d" % error.retry_after),)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and not isinstance(error, _OUTCOME_UNKNOWN):
        return ((b"retry-after", b"%d" % _RETRY_SECONDS),)
    if isinstance(error, ContentCodingError):
        return ((b"accept-encoding", b"identity"),)
    if isinstance(error, MethodNotAllowedError):
        return ((b"allow", error.allow.encode("ascii")),)
    if isinstance(error, HTTPException) and error.headers:
        return tuple((name.lower().encode(), str(value).encode()) for name, value in error.headers.items())
    return ()


def _report(error: Exception, status: int, request_id: UUID) -> None:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        _log.warning("request %s could not be served: %s", request_id, error)
    else:
        _log.error("request %s failed", request_id, exc_info=error)
