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
    """The request is not HTTP, or does not say for which host it is."""

    code = "malformed_request"


class MalformedBodyError(ValidationError):
    """The body is not a JSON object."""

    code = "malformed_body"


class NotReadyError(FrameworkError):
    """The process cannot serve now: it is starting, stopping, or what it needs is away."""

    code = "not_ready"


class ServerStoppedError(FrameworkError):
    """The server stopped before the request was finished: what it wrote is stored whole or not at all."""

    code = "server_stopped"
