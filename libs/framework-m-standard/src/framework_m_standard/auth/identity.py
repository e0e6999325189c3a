"""`DocumentIdentity`: port `IdentityProtocol` over the DocTypes User and UserCredential."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import ADMINISTRATOR
from framework_m_core.domain.documents.doctype import UNSAVED_ID
from framework_m_core.domain.documents.names import normalize_email
from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    LastAdministratorError,
    TransientError,
)
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import normalize_value
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.bootstrap import SettingsView
from framework_m_core.interfaces.identity import MAX_LISTED_USERS, Attributes, Identity, check_user_limit
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.system_documents import SystemClient, SystemDocuments
from framework_m_standard.auth.credentials.passwords import PasswordCheck, Passwords
from framework_m_standard.auth.records import Records

__all__ = ["Change", "DocumentIdentity"]

_USER, _CREDENTIAL = "User", "UserCredential"
_FIELDS = ("id", "email", "roles", "enabled", "epoch", "attributes")

_ADMINISTRATORS = And((Comparison("enabled", "eq", True), Comparison("roles", "has", ADMINISTRATOR)))
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
        settings: SettingsView,
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

    async def find_by_email(self, email: str) -> Identity | None:
        """Return the user with this email, enabled or not, if any."""
        user = await self._users.find("email", _normalize_email(email))
        return _identity(user) if user else None

    async def has_administrator(self) -> bool:
        """Return whether an enabled user has the role Administrator."""
        return bool(await self._users.select(_ADMINISTRATORS, limit=1))

    async def verify_password(self, email: str, password: str) -> Identity | None:
        """Return the enabled user with this password, or None for any other reason, after the same work."""
        user = await self._users.find("email", _normalize_email(email))
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
        hashed = None if password is None else await self._passwords.hash(password, email)
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
            message = f"a user {_normalize_email(email)} exists already: change that one or choose another address"
            raise DuplicateNameError(message) from error

    async def set_password(self, email: str, password: str, *, for_development: bool = False) -> Identity:
        """Replace the password and void all sessions. Raises EntityNotFoundError and ValidationError."""
        hashed = await self._passwords.hash(password, email)

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

    async def disable(self, email: str, *, even_last_administrator: bool = False) -> Identity:
        """Disable the user's logins and void all sessions. Raises EntityNotFoundError and LastAdministratorError."""

        def change(user: Any) -> None:
            user.enabled = False

        waived = frozenset({LastAdministratorError.code}) if even_last_administrator else frozenset[str]()
        return await self._change(email, "disable a user", change, waived)

    async def enable(self, email: str) -> Identity:
        """Allow a disabled user to log in again. Raises EntityNotFoundError."""

        def change(user: Any) -> None:
            user.enabled = True

        return await self._change(email, "enable a user", change)

    async def list_users(self, *, after: str = "", limit: int = MAX_LISTED_USERS) -> Sequence[Identity]:
        """Return the first users by email of those after an email. Raises ValueError for too high a limit."""
        where = Comparison("email", "gt", _normalize_email(after))
        users = await self._users.select(where, OrderSpec("email"), limit=check_user_limit(limit))
        return [_identity(user) for user in users]

    async def _change(self, email: str, reason: str, change: Change, waived: frozenset[str] = frozenset()) -> Identity:
        async def work(client: SystemClient) -> Identity:
            return _identity(await client.change(_USER, await self._id_of(email), change))

        return await self._system.run(reason, work, waived=waived)

    async def _id_of(self, email: str) -> UUID:
        user = await self._users.find("email", _normalize_email(email))
        if user is None:
            raise EntityNotFoundError(f"there is no user {email!r}")
        id: UUID = user["id"]
        return id

    async def _rehash(self, password: str, credential: Mapping[str, Any]) -> None:
        """Replace a hash by one with current parameters, unless it has been replaced meanwhile."""
        hashed = await self._passwords.rehash(password)

        def change(stored: Any) -> None:
            if stored.password_hash == credential["password_hash"]:
                stored.password_hash = hashed

        async def work(client: SystemClient) -> None:
            await client.change(_CREDENTIAL, credential["id"], change)

        with suppress(EntityNotFoundError, TransientError):
            await self._system.run("rehash a password", work)


def _void_sessions(user: Any) -> None:
    user.epoch += 1


def _normalize_email(email: str) -> str:
    """Return an address as it is stored; an empty string, which no user has, if no store could hold it."""
    normalized = normalize_email(email)
    try:
        normalize_value(_ADDRESS, normalized)
    except ValueError:
        return ""
    return normalized


def _identity(user: Mapping[str, Any]) -> Identity:
    attributes = {name: tuple(values) for name, values in (user["attributes"] or {}).items()}
    return Identity(user["id"], user["email"], frozenset(user["roles"]), user["enabled"], user["epoch"], attributes)
