"""Port `IdentityProtocol`: users who may log in, and their passwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from framework_m_core.domain.errors import FieldError, ValidationError

__all__ = ["Attributes", "Identity", "IdentityProtocol", "check_attributes"]

type Attributes = Mapping[str, Sequence[str]]
"""User attributes that row scopes compare with documents, such as `{"branch": ["North", "South"]}`."""

_MOST_CHARACTERS = 255


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

    async def disable(self, email: str) -> Identity:
        """Disable login for the user and void all sessions. Raises EntityNotFoundError."""
        ...

    async def enable(self, email: str) -> Identity:
        """Let a disabled user log in again; void sessions stay void. Raises EntityNotFoundError."""
        ...

    async def all(self) -> Sequence[Identity]:
        """Return all users, enabled or not, ordered by email."""
        ...


def check_attributes(attributes: Attributes) -> None:
    """Raise ValidationError for a name or value that is not text of 1 to 255 characters without NUL."""
    texts = [text for name, values in attributes.items() for text in (name, *values)]
    if not all(0 < len(text) <= _MOST_CHARACTERS and "\0" not in text for text in texts):
        params = {"min_length": 1, "max_length": _MOST_CHARACTERS}
        problem = FieldError("attributes", "out_of_bounds", params=params)
        raise ValidationError("the names or values of the attributes are not valid", [problem])
