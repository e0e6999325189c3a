"""Port `IdentityProtocol`: the people who may log in, and their passwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from framework_m_core.domain.errors import FieldError, ValidationError

__all__ = ["Attributes", "Identity", "IdentityProtocol", "check_attributes"]

type Attributes = Mapping[str, Sequence[str]]
"""What row scopes compare documents with, such as `{"branch": ["North", "South"]}`."""

_MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as the authentication sees one. All sessions begun under an older `epoch` are void."""

    id: UUID
    email: str
    roles: frozenset[str]
    enabled: bool
    epoch: int
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class IdentityProtocol(Protocol):
    """Finds users and checks passwords.

    Contract: `verify_password` takes as long for an unknown address as for a wrong password; emails are compared
    without regard to letter case and to blanks around them, and kept in lower case. Changes that several processes make
    at the same time are all kept. Of a password only a hash is kept, and every password has eight characters or more.
    """

    async def find(self, user_id: UUID) -> Identity | None:
        """The user with this id, enabled or not."""
        ...

    async def verify_password(self, email: str, password: str) -> Identity | None:
        """The enabled user whose password this is; None for any other reason."""
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
        """A new user, whom no password lets in while it is None; one `for_development` opens nothing in production.

        Raises DuplicateNameError, and ValidationError for what is no address, an unknown role, a weak password or
        what `check_attributes` refuses.
        """
        ...

    async def set_password(self, email: str, password: str, *, for_development: bool = False) -> Identity:
        """Replaces the password and voids all sessions; `for_development` as for `create`.

        Raises EntityNotFoundError and ValidationError.
        """
        ...

    async def add_role(self, email: str, role: str) -> Identity:
        """Gives a role, once; sessions live on. Raises EntityNotFoundError and ValidationError."""
        ...

    async def set_attributes(self, email: str, attributes: Attributes) -> Identity:
        """Replaces the values of these attributes, and takes away those without values; sessions live on.

        Raises EntityNotFoundError, and ValidationError for what `check_attributes` refuses.
        """
        ...

    async def disable(self, email: str) -> Identity:
        """Keeps the user from logging in and voids all sessions. Raises EntityNotFoundError."""
        ...

    async def enable(self, email: str) -> Identity:
        """Lets a disabled user log in again; what was void stays so. Raises EntityNotFoundError."""
        ...

    async def all(self) -> Sequence[Identity]:
        """Every user, enabled or not, by email."""
        ...


def check_attributes(attributes: Attributes) -> None:
    """Raises ValidationError for a name or a value that is not a text of 1 to 255 characters without NUL."""
    texts = [text for name, values in attributes.items() for text in (name, *values)]
    if not all(0 < len(text) <= _MOST_CHARACTERS and "\0" not in text for text in texts):
        message = f"an attribute has a name and values of 1 to {_MOST_CHARACTERS} characters"
        raise ValidationError(message, [FieldError("attributes", "out_of_bounds", message)])
