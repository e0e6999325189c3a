"""`FakeIdentity`: port `IdentityProtocol` in a dictionary."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.clock import IdGenerator, Uuid7Generator
from framework_m_core.domain.context import ADMINISTRATOR, GUEST
from framework_m_core.domain.documents.names import normalize_email
from framework_m_core.domain.errors import (
    DuplicateNameError,
    EntityNotFoundError,
    FieldError,
    LastAdministratorError,
    ValidationError,
)
from framework_m_core.interfaces.identity import (
    MAX_LISTED_USERS,
    Attributes,
    Identity,
    check_attributes,
    check_user_limit,
)

__all__ = ["FakeIdentity"]

_ADDRESS: Final = re.compile(r"[^@\s/]+@[^@\s/]+")
_MIN_CHARACTERS: Final = 8


@dataclass(frozen=True)
class _Password:
    """A password with a single fast hash, since tests must be quick and need no protection against guessing."""

    salt: bytes
    digest: bytes
    for_development: bool

    @classmethod
    def of(cls, text: str, for_development: bool) -> _Password:
        if len(text) < _MIN_CHARACTERS:
            raise _invalid("password", f"expected a password of at least {_MIN_CHARACTERS} characters, got {len(text)}")
        salt = secrets.token_bytes()
        return cls(salt, _digest(salt, text), for_development)

    def opens(self, text: str, production: bool) -> bool:
        return self.digest == _digest(self.salt, text) and not (self.for_development and production)


class FakeIdentity:
    """In-memory users. `roles` are the existing roles. No method suspends, so each is atomic."""

    def __init__(
        self,
        roles: Iterable[str] = (ADMINISTRATOR, GUEST),
        *,
        production: bool = False,
        ids: IdGenerator | None = None,
    ) -> None:
        self._roles = frozenset(roles)
        self._production = production
        self._ids = ids or Uuid7Generator()
        self._users: dict[str, Identity] = {}
        self._passwords: dict[str, _Password] = {}

    def in_production(self) -> FakeIdentity:
        """Return an identity over the same users for a process in production."""
        other = FakeIdentity(self._roles, production=True, ids=self._ids)
        other._users, other._passwords = self._users, self._passwords
        return other

    def admit(self, user: Identity) -> Identity:
        """Add a user exactly as given, including attributes, replacing the one with the same email."""
        self._users[user.email] = user
        return user

    async def find(self, user_id: UUID) -> Identity | None:
        """Return the user with this id, or None."""
        return next((user for user in self._users.values() if user.id == user_id), None)

    async def find_by_email(self, email: str) -> Identity | None:
        """Return the user with this email, or None."""
        return self._users.get(_folded(email))

    async def has_administrator(self) -> bool:
        """Return whether an enabled user has the role Administrator."""
        return any(_administers(user) for user in self._users.values())

    async def verify_password(self, email: str, password: str) -> Identity | None:
        """Return the enabled user with this password, or None whatever the reason."""
        user, known = self._users.get(_folded(email)), self._passwords.get(_folded(email))
        if user is None or known is None or not user.enabled or not known.opens(password, self._production):
            return None
        return user

    async def create(
        self,
        email: str,
        password: str | None,
        roles: Sequence[str],
        *,
        full_name: str | None = None,
        attributes: Attributes | None = None,
        for_development: bool = False,
    ) -> Identity:
        """Create a user; `full_name` is ignored. Raises DuplicateNameError and ValidationError."""
        folded = _folded(email)
        if not _ADDRESS.fullmatch(folded):
            raise _invalid("email", "expected an email address such as ada@example.com")
        self._check_roles(roles)
        check_attributes(attributes or {})
        kept = None if password is None else _Password.of(password, for_development)
        if folded in self._users:
            raise DuplicateNameError(f"a user {folded} exists already")
        if kept:
            self._passwords[folded] = kept
        user = Identity(self._ids(), folded, frozenset(roles), True, 0)
        return self.admit(replace(user, attributes=_with(user, attributes or {})))

    async def set_password(self, email: str, password: str, *, for_development: bool = False) -> Identity:
        """Replace the password and void all sessions. Raises EntityNotFoundError and ValidationError."""
        user, kept = self._known(email), _Password.of(password, for_development)
        self._passwords[user.email] = kept
        return self._change(user, epoch=user.epoch + 1)

    async def add_role(self, email: str, role: str) -> Identity:
        """Add a role to the user. Raises EntityNotFoundError and ValidationError."""
        user = self._known(email)
        self._check_roles([role])
        return self._change(user, roles=user.roles | {role})

    async def set_attributes(self, email: str, attributes: Attributes) -> Identity:
        """Replace the values of these attributes. Raises EntityNotFoundError and ValidationError."""
        user = self._known(email)
        check_attributes(attributes)
        return self._change(user, attributes=_with(user, attributes))

    async def disable(self, email: str, *, even_last_administrator: bool = False) -> Identity:
        """Keep the user from logging in and void all sessions.

        Raises EntityNotFoundError and LastAdministratorError.
        """
        user = self._known(email)
        others = any(_administers(other) for other in self._users.values() if other is not user)
        if _administers(user) and not others and not even_last_administrator:
            raise LastAdministratorError(f"{user.email} is the last administrator who may log in")
        return self._change(user, enabled=False, epoch=user.epoch + 1)

    async def enable(self, email: str) -> Identity:
        """Let a disabled user log in again. Raises EntityNotFoundError."""
        return self._change(self._known(email), enabled=True)

    async def list_users(self, *, after: str = "", limit: int = MAX_LISTED_USERS) -> Sequence[Identity]:
        """Return the first users by email of those after an email. Raises ValueError for too high a limit."""
        emails = sorted(email for email in self._users if email > _folded(after))
        return [self._users[email] for email in emails[: check_user_limit(limit)]]

    def _known(self, email: str) -> Identity:
        if _folded(email) not in self._users:
            raise EntityNotFoundError(f"there is no user {email!r}")
        return self._users[_folded(email)]

    def _change(self, user: Identity, **values: Any) -> Identity:
        return self.admit(replace(user, **values))

    def _check_roles(self, roles: Sequence[str]) -> None:
        if unknown := sorted(set(roles) - self._roles):
            raise _invalid(
                "roles",
                f"expected existing roles, got {', '.join(unknown)}: known are {', '.join(sorted(self._roles))}",
            )


def _with(user: Identity, attributes: Attributes) -> dict[str, tuple[str, ...]]:
    changed = {**user.attributes, **{name: tuple(values) for name, values in attributes.items()}}
    return {name: values for name, values in changed.items() if values}


def _administers(user: Identity) -> bool:
    return user.enabled and ADMINISTRATOR in user.roles


def _folded(email: str) -> str:
    return normalize_email(email)


def _digest(salt: bytes, text: str) -> bytes:
    return hashlib.sha256(salt + text.encode("utf-8", "surrogatepass")).digest()


def _invalid(field: str, message: str) -> ValidationError:
    return ValidationError(message, [FieldError(field, "invalid", message)])
