"""Port `IdentityProtocol`: users who may log in, and their passwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from framework_m_core.domain.errors import FieldError, ValidationError

__all__ = ["MAX_LISTED_USERS", "Attributes", "Identity", "IdentityProtocol", "check_attributes", "check_user_limit"]

type Attributes = Mapping[str, Sequence[str]]
"""User attributes that row scopes compare with documents, such as `{"branch": ["North", "South"]}`."""

MAX_LISTED_USERS: Final = 1000
"""The maximum number of users that are listed at once."""

_MAX_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as authentication sees it. All sessions begun under an older `epoch` are void."""

    id: UUID
    email: str
    roles: frozenset[str]
    enabled: bool
    epoch: int
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class IdentityProtocol(Protocol):
    """Users and their passwords.

    Contract: `verify_password` takes as long for an unknown address as for a wrong password; emails are compared
    ignoring case and surrounding whitespace, and stored in lower case. Concurrent changes by several processes are all
    kept. Only a hash of a password is stored, and every password has at least eight characters.
    """

    async def find(self, user_id: UUID) -> Identity | None:
        """Return the user with this id, enabled or not."""
        ...

    async def find_by_email(self, email: str) -> Identity | None:
        """Return the user with this email, enabled or not."""
        ...

    async def has_administrator(self) -> bool:
        """Return whether an enabled user has the role Administrator."""
        ...

    async def verify_password(self, email: str, password: str) -> Identity | None:
        """Return the enabled user with this email and password, or None in every other case."""
        ...

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
        """Create a user, who cannot log in by password while it is None.

        A password set `for_development` is not accepted in production. Raises DuplicateNameError, and ValidationError
        for an invalid address, an unknown role, a weak password or attributes that `check_attributes` rejects.
        """
        ...

    async def set_password(self, email: str, password: str, *, for_development: bool = False) -> Identity:
        """Replace the password and void all sessions; `for_development` as for `create`.

        Raises EntityNotFoundError and ValidationError.
        """
        ...

    async def add_role(self, email: str, role: str) -> Identity:
        """Add a role, if missing; sessions stay valid. Raises EntityNotFoundError and ValidationError."""
        ...

    async def set_attributes(self, email: str, attributes: Attributes) -> Identity:
        """Replace the values of these attributes and remove those given without values; sessions stay valid.

        Raises EntityNotFoundError, and ValidationError for attributes that `check_attributes` rejects.
        """
        ...

    async def disable(self, email: str, *, even_last_administrator: bool = False) -> Identity:
        """Disable login for the user and void all sessions.

        Raises EntityNotFoundError, and LastAdministratorError for the only enabled user with the role Administrator,
        unless `even_last_administrator`, for whoever can add another.
        """
        ...

    async def enable(self, email: str) -> Identity:
        """Let a disabled user log in again; void sessions stay void. Raises EntityNotFoundError."""
        ...

    async def list_users(self, *, after: str = "", limit: int = MAX_LISTED_USERS) -> Sequence[Identity]:
        """Return the first users by email, enabled or not, of those after an email.

        Raises ValueError for a `limit` that is not from 1 to `MAX_LISTED_USERS`.
        """
        ...


def check_user_limit(limit: int) -> int:
    """Return the number of users to list. Raises ValueError unless it is from 1 to `MAX_LISTED_USERS`."""
    if not 1 <= limit <= MAX_LISTED_USERS:
        raise ValueError(f"expected a limit of 1 to {MAX_LISTED_USERS} users, got {limit}")
    return limit


def check_attributes(attributes: Attributes) -> None:
    """Raise ValidationError for a name or value that is not text of 1 to 255 characters without NUL."""
    texts = [text for name, values in attributes.items() for text in (name, *values)]
    if not all(0 < len(text) <= _MAX_CHARACTERS and "\0" not in text for text in texts):
        params = {"min_length": 1, "max_length": _MAX_CHARACTERS}
        error = FieldError("attributes", "out_of_bounds", params=params)
        raise ValidationError("the names or values of the attributes are not valid", [error])
