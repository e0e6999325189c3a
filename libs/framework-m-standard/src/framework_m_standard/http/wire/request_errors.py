"""Errors of a request that are raised before any document is accessed."""

from __future__ import annotations

from framework_m_core.domain.errors import AuthenticationError, FrameworkError, ValidationError

__all__ = [
    "BodyTooLargeError",
    "ContentCodingError",
    "HeadTooLargeError",
    "InvalidTokenError",
    "MalformedBodyError",
    "MalformedRequestError",
    "MediaTypeError",
    "MethodNotAllowedError",
    "NotReadyError",
    "PreflightRefusedError",
    "RouteNotFoundError",
    "ServerStoppedError",
    "TargetTooLongError",
]


class RouteNotFoundError(FrameworkError):
    """No route has this path."""

    code = "route_not_found"


class MethodNotAllowedError(FrameworkError):
    """The route has no such method; `allow` lists those that it has."""

    code = "method_not_allowed"

    def __init__(self, allow: str) -> None:
        super().__init__(f"the method is not one of {allow}")
        self.allow = allow


class MediaTypeError(FrameworkError):
    """The body is not sent as JSON."""

    code = "unsupported_media_type"


class ContentCodingError(MediaTypeError):
    """The body is compressed."""


class BodyTooLargeError(FrameworkError):
    """The body is larger than `[http] max_body_mb`."""

    code = "body_too_large"


class MalformedRequestError(FrameworkError):
    """The request is not HTTP, or lacks a valid Host header."""

    code = "malformed_request"


class PreflightRefusedError(FrameworkError):
    """Another site's page asks for what `[http] cors_origins` and `cors_headers` do not allow."""

    code = "cors_refused"

    def __init__(self, refused: str) -> None:
        super().__init__(f"this preflight is not allowed by [http] cors_origins and cors_headers because of: {refused}")


class InvalidTokenError(AuthenticationError):
    """The bearer token of the request is invalid or expired, which its challenge says (RFC 6750, 3.1)."""


class TargetTooLongError(FrameworkError):
    """The path and query are longer than the server reads."""

    code = "target_too_long"


class HeadTooLargeError(FrameworkError):
    """The headers are larger than the server reads."""

    code = "head_too_large"


class MalformedBodyError(ValidationError):
    """The body is not a JSON object."""

    code = "malformed_body"


class NotReadyError(FrameworkError):
    """The process cannot serve now: it starts or stops, has too many connections, holds too many bytes, or
    lacks a dependency."""

    code = "not_ready"


class ServerStoppedError(FrameworkError):
    """The server stopped before the request was finished; its write is stored as a whole or not at all."""

    code = "server_stopped"
