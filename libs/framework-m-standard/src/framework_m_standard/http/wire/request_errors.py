"""Errors of a request that are raised before any document is accessed."""

from __future__ import annotations

from framework_m_core.domain.errors import FrameworkError, ValidationError

__all__ = [
    "BodyTooLargeError",
    "MalformedBodyError",
    "MalformedRequestError",
    "MediaTypeError",
    "MethodNotAllowedError",
    "NotReadyError",
    "RouteNotFoundError",
    "ServerStoppedError",
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


class BodyTooLargeError(FrameworkError):
    """The body is larger than `[http] max_body_mb`."""

    code = "body_too_large"


class MalformedRequestError(FrameworkError):
    """The request is not HTTP, or lacks a valid Host header."""

    code = "malformed_request"


class MalformedBodyError(ValidationError):
    """The body is not a JSON object."""

    code = "malformed_body"


class NotReadyError(FrameworkError):
    """The process cannot serve now: it is starting or stopping, or a dependency is unavailable."""

    code = "not_ready"


class ServerStoppedError(FrameworkError):
    """The server stopped before the request was finished; its write is stored as a whole or not at all."""

    code = "server_stopped"
