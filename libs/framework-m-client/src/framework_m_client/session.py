"""The credentials of a client, and the calls that change them."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from framework_m_client.operations import Call, Repeat, json_of

__all__ = ["Session", "Tokens", "User"]

_AUTH = "/api/v1/auth"


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, and the refresh token that renews it once; keep them to continue a session later."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """Who is logged in."""

    id: str
    email: str
    roles: frozenset[str]


class Session:
    """What a client sends to say who calls."""

    def __init__(self, tokens: Tokens | None) -> None:
        self.tokens = tokens

    @property
    def is_anonymous(self) -> bool:
        """Whether requests have no credentials."""
        return not self.make_headers()

    def make_headers(self) -> dict[str, str]:
        """Return the headers that carry the credentials."""
        return {} if self.tokens is None else {"authorization": f"Bearer {self.tokens.access}"}

    def login(self, username: str, password: str) -> Call[User]:
        """Log in; a login is not repeated, as failures are counted."""
        body = {"username": username, "password": password}
        return Call("POST", f"{_AUTH}/login", self._accept, body=body, repeat=Repeat.NEVER, authenticated=False)

    def refresh(self) -> Call[User]:
        """Exchange the refresh token for new tokens. Raises ValueError without one."""
        if self.tokens is None or self.tokens.refresh is None:
            raise ValueError("expected a refresh token, got none: log in, or give tokens to the client")
        body = {"refresh_token": self.tokens.refresh}
        return Call("POST", f"{_AUTH}/refresh", self._accept, body=body, authenticated=False)

    def logout(self) -> Call[None]:
        """End the session."""
        return Call("POST", f"{_AUTH}/logout", self._forget)

    def me(self) -> Call[User]:
        """Read who is logged in."""
        return Call("GET", f"{_AUTH}/me", lambda response: _user(json_of(response)))

    def _accept(self, response: httpx.Response) -> User:
        body = json_of(response)
        self.tokens = Tokens(body["access_token"], body["refresh_token"])
        return _user(body["user"])

    def _forget(self, _: httpx.Response) -> None:
        self.tokens = None


def _user(body: dict[str, str]) -> User:
    return User(body["id"], body["email"], frozenset(body["roles"]))
