"""Login, token refresh, logout, and the current user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from framework_m_core.domain.context import AUTOMATIC_ROLES
from framework_m_core.domain.errors import (
    AuthenticationError,
    FieldError,
    ValidationError,
    combine_errors,
    gather_errors,
)
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.http.documents.query_parameters import parse_flag, parse_query
from framework_m_standard.http.routes.table import LOGIN, LOGOUT, ME, REFRESH
from framework_m_standard.http.wire.asgi import request_state_of, root_path_of
from framework_m_standard.http.wire.body_codec import read_object
from framework_m_standard.http.wire.credentials import (
    CSRF_COOKIE,
    SESSION_COOKIE,
    build_credentials_error,
    credentials_of,
)

__all__ = ["AnyRequest", "AuthRoutes"]

_MAX_BYTES: Final = 64 * 1024
"""The largest body, in bytes, accepted from callers who have not logged in."""

type AnyRequest = Request[Any, Any, Any]

_NO_STORE: Final = {"cache-control": "no-store"}
_MAX_LENGTHS: Final = {"username": 320, "password": 1024, "refresh_token": 4096}
"""The most characters of each text in a body; hashing longer ones would cost us more than the sender."""


@dataclass(frozen=True, slots=True)
class AuthRoutes:
    """The routes below `/api/v1/auth`."""

    authentication: AuthenticationProtocol
    max_body_bytes: int
    secure_cookies: bool

    def make_handlers(self) -> list[HTTPRouteHandler]:
        """Return the Litestar handlers of the routes."""

        @LOGIN.make_handler
        async def login(request: Request[Any, Any, Any]) -> Response[Any]:
            return await self._login(request)

        @REFRESH.make_handler
        async def refresh(request: Request[Any, Any, Any]) -> Response[Any]:
            given = await self._texts(request, ("refresh_token",))
            return _tokens(await self.authentication.refresh(given["refresh_token"], address=_address(request)))

        @LOGOUT.make_handler
        async def logout(request: Request[Any, Any, Any]) -> Response[None]:
            return await self._logout(request)

        @ME.make_handler
        async def me(request: Request[Any, Any, Any]) -> Response[Any]:
            return _me(request)

        return [login, refresh, logout, me]

    async def _login(self, request: AnyRequest) -> Response[Any]:
        wants_session, refused, given = False, list[ValidationError](), dict[str, str]()
        with gather_errors(refused):
            wants_session = parse_flag(parse_query(request.scope["query_string"], ("session",)), "session")
        with gather_errors(refused):
            given = await self._texts(request, ("username", "password"))
        if refused:
            raise combine_errors(refused)
        kind = SessionKind.COOKIE if wants_session else SessionKind.TOKEN
        login = await self.authentication.login(
            given["username"], given["password"], address=_address(request), kind=kind
        )
        return self._session(request, login) if wants_session else _tokens(login)

    async def _logout(self, request: AnyRequest) -> Response[None]:
        parse_query(request.scope["query_string"])
        headers = request_state_of(request.scope).headers
        try:
            await self.authentication.logout(credentials_of(headers, request.method) or Credentials())
        except AuthenticationError as error:
            raise build_credentials_error(error, headers) from error
        # An Authorization header takes precedence and ends its own session only, so the browser keeps its cookies.
        names = () if b"authorization" in headers else (SESSION_COOKIE, CSRF_COOKIE)
        gone = [self._cookie(request, name, "", 0) for name in names]
        return Response(None, status_code=204, cookies=gone, headers=_NO_STORE)

    async def _texts(self, request: AnyRequest, names: Sequence[str]) -> dict[str, str]:
        headers = request_state_of(request.scope).headers
        receive: Any = request.receive
        body = await read_object(headers, receive, min(self.max_body_bytes, _MAX_BYTES))
        errors = [
            FieldError(name, "unknown_field", params={"choices": tuple(names)}) for name in body if name not in names
        ]
        for name in names:
            value = body.get(name)
            if not isinstance(value, str) or not 0 < len(value) <= _MAX_LENGTHS[name]:
                errors.append(_invalid(name, value) if name in body else FieldError(name, "required"))
        if errors:
            raise ValidationError("the body is invalid", errors)
        return body

    def _session(self, request: AnyRequest, login: Login) -> Response[Any]:
        cookies = [
            self._cookie(request, SESSION_COOKIE, login.session_cookie or "", login.expires_in),
            self._cookie(request, CSRF_COOKIE, login.csrf_token or "", login.expires_in),
        ]
        body = {"expires_in": login.expires_in, "user": _user(login)}
        return Response(body, status_code=200, cookies=cookies, headers=_NO_STORE)

    def _cookie(self, request: AnyRequest, name: str, value: str, seconds: int) -> Cookie:
        """Return a cookie. Scripts may read the CSRF token, to echo it, but never the session."""
        secure = self.secure_cookies or request.scope["scheme"] == "https"
        return Cookie(
            key=name, value=value, max_age=seconds, path=root_path_of(request.scope) or "/", samesite="lax",
            secure=secure, httponly=name == SESSION_COOKIE,
        )  # fmt: skip


def _invalid(name: str, value: object) -> FieldError:
    if not isinstance(value, str):
        return FieldError(name, "wrong_type", params={"type": "text"})
    return FieldError(name, "out_of_bounds", params={"min_length": 1, "max_length": _MAX_LENGTHS[name]})


def _address(request: AnyRequest) -> str:
    client = request.scope.get("client")
    return client[0] if client else ""


def _tokens(login: Login) -> Response[Any]:
    body = {
        "access_token": login.access_token,
        "token_type": "Bearer",
        "expires_in": login.expires_in,
        "refresh_token": login.refresh_token,
        "user": _user(login),
    }
    return Response(body, status_code=200, headers=_NO_STORE)


def _user(login: Login) -> dict[str, Any]:
    identity = login.identity
    return {"id": str(identity.id), "email": identity.email, "roles": sorted(identity.roles - AUTOMATIC_ROLES)}


def _me(request: AnyRequest) -> Response[Any]:
    parse_query(request.scope["query_string"])
    principal = request_state_of(request.scope).context.principal
    if principal.is_anonymous:
        raise AuthenticationError("the caller is not logged in")
    user = {"id": principal.id, "email": principal.email, "roles": sorted(principal.roles - AUTOMATIC_ROLES)}
    return Response(user, headers=_NO_STORE)
