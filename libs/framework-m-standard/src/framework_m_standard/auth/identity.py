"""`DocumentIdentity`: port `IdentityProtocol` over the DocTypes User and UserCredential."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.domain.documents.doctype import UNSAVED_ID
from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    TransientError,
)
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import bounded
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.identity import Attributes, Identity
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.system_documents import SystemClient, SystemDocuments
from framework_m_standard.auth.credentials.passwords import PasswordCheck, Passwords
from framework_m_standard.auth.records import Records

__all__ = ["DocumentIdentity"]

_USER, _CREDENTIAL = "User", "UserCredential"
_FIELDS = ("id", "email", "roles", "enabled", "epoch", "attributes")

_ADDRESS = FieldSpec("email", FieldKind.TEXT)

type Change = Callable[[Any], None]
"""A function that changes a user in place."""


class DocumentIdentity:
    """Users as documents, written as the system; the DocType's controller checks each change."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        reader: DocumentReaderProtocol,
        system_documents: SystemDocuments,
        settings: Settings,
    ) -> None:
        self._system = system_documents
        self._users = Records(registry_handle, reader, _USER, *_FIELDS)
        self._credentials = Records(registry_handle, reader, _CREDENTIAL, "id", "password_hash", "for_development")
        self._passwords = Passwords()
        self._production = settings.production

    async def find(self, user_id: UUID) -> Identity | None:
        """Return the user with this id, enabled or not, if any."""
        user = await self._users.find("id", user_id)
        return _identity(user) if user else None

    async def verify_password(self, email: str, password: str) -> Identity | None:
        """Return the enabled user with this password, or None for any other reason, after the same work."""
        user = await self._users.find("email", _folded(email))
        credential = await self._credentials.find("user", user["id"] if user else UNSAVED_ID)
        if credential and credential["for_development"] and self._production:
            credential = None
        check = await self._passwords.verify(credential["password_hash"] if credential else None, password)
        if user is None or credential is None or check is PasswordCheck.WRONG or not user["enabled"]:
            return None
        if check is PasswordCheck.OUTDATED:
            await self._rehash(password, credential)
        return _identity(user)

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
        """Create a user. Raises DuplicateNameError, and ValidationError for an unknown role or a weak password."""
        hashed = None if password is None else await self._passwords.hash(password)
        kept = {name: list(given) for name, given in (attributes or {}).items() if given}
        values = {"email": email, "full_name": full_name, "roles": list(roles), "attributes": kept}

        async def work(client: SystemClient) -> Identity:
            user = await client.create(_USER, values)
            if hashed:
                credential = {"password_hash": hashed, "for_development": for_development}
                await client.create(_CREDENTIAL, {"user": user["id"], **credential})
            return _identity(user)

        try:
            return await self._system.run("create a user", work)
        except (DuplicateNameError, DuplicateValueError) as error:
            message = f"a user {_folded(email)} exists already: change that one or choose another address"
            raise DuplicateNameError(message) from error

    async def set_password(self, email: str, password: str, *, for_development: bool = False) -> Identity:
        """Replace the password and void all sessions. Raises EntityNotFoundError and ValidationError."""
        hashed = await self._passwords.hash(password)

        async def work(client: SystemClient) -> Identity:
            id = await self._id_of(email)
            credential, values = await self._credentials.find("user", id), {"for_development": for_development}
            if credential is None:
                await client.create(_CREDENTIAL, {"user": id, "password_hash": hashed, **values})
            else:
                await client.update(_CREDENTIAL, credential["id"], {"password_hash": hashed, **values})
            return _identity(await client.change(_USER, id, _void_sessions))

        return await self._system.run("set a password", work, DuplicateValueError)

    async def add_role(self, email: str, role: str) -> Identity:
        """Assign a role. Raises EntityNotFoundError and ValidationError."""

        def change(user: Any) -> None:
            user.roles = [*user.roles, role]

        return await self._change(email, "give a role", change)

    async def set_attributes(self, email: str, attributes: Attributes) -> Identity:
        """Replace the values of these attributes, removing those without values.

        Raises EntityNotFoundError and ValidationError.
        """

        def change(user: Any) -> None:
            changed = {**user.attributes, **{name: list(values) for name, values in attributes.items()}}
            user.attributes = {name: values for name, values in changed.items() if values}

        return await self._change(email, "set attributes", change)

    async def disable(self, email: str) -> Identity:
        """Disable the user's logins and void all sessions. Raises EntityNotFoundError."""

        def change(user: Any) -> None:
            user.enabled = False

        return await self._change(email, "disable a user", change)

    async def enable(self, email: str) -> Identity:
        """Allow a disabled user to log in again. Raises EntityNotFoundError."""

        def change(user: Any) -> None:
            user.enabled = True

        return await self._change(email, "enable a user", change)

    async def all(self) -> Sequence[Identity]:
        """Return every user, by email."""
        return [_identity(user) for user in await self._users.select(EVERYTHING, OrderSpec("email"))]

    async def _change(self, email: str, reason: str, change: Change) -> Identity:
        async def work(client: SystemClient) -> Identity:
            return _identity(await client.change(_USER, await self._id_of(email), change))

        return await self._system.run(reason, work)

    async def _id_of(self, email: str) -> UUID:
        user = await self._users.find("email", _folded(email))
        if user is None:
            raise EntityNotFoundError(f"there is no user {email!r}")
        id: UUID = user["id"]
        return id

    async def _rehash(self, password: str, credential: Mapping[str, Any]) -> None:
        """Replace a hash by one with current parameters, unless it has been replaced meanwhile."""
        hashed = await self._passwords.hash(password)

        def change(stored: Any) -> None:
            if stored.password_hash == credential["password_hash"]:
                stored.password_hash = hashed

        async def work(client: SystemClient) -> None:
            await client.change(_CREDENTIAL, credential["id"], change)

        with suppress(EntityNotFoundError, TransientError):
            await self._system.run("rehash a password", work)


def _void_sessions(user: Any) -> None:
    user.epoch += 1


def _folded(email: str) -> str:
    """Return an address as it is stored; an empty string, which no user has, if no store could hold it."""
    folded = email.strip().lower()
    try:
        bounded(_ADDRESS, folded)
    except ValueError:
        return ""
    return folded


def _identity(user: Mapping[str, Any]) -> Identity:
    attributes = {name: tuple(values) for name, values in (user["attributes"] or {}).items()}
    return Identity(user["id"], user["email"], frozenset(user["roles"]), user["enabled"], user["epoch"], attributes)
