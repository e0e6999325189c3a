"""`DocumentIdentity`: port `IdentityProtocol` over the DocTypes User and UserCredential."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.context import RequestContext, system_context
from framework_m_core.domain.documents.doctype import UNSAVED_ID
from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    FieldError,
    TransientError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.domain.events import DocCreated, DocUpdated
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import bounded
from framework_m_core.domain.filters.tree import EVERYTHING, And, Comparison
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.identity import Attributes, Identity, check_attributes
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.changes import difference, record_change
from framework_m_core.services.documents.validation import document_values
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.retry import retry
from framework_m_standard.auth.credentials.passwords import PasswordCheck, Passwords
from framework_m_standard.auth.records import Records, new_record

__all__ = ["DocumentIdentity"]

_USER, _CREDENTIAL, _SESSION, _ROLE = "User", "UserCredential", "UserSession", "Role"
_FIELDS = ("id", "email", "roles", "enabled", "epoch", "attributes")

_ADDRESS = FieldSpec("email", FieldKind.TEXT)

type Change = Callable[[UnitOfWorkProtocol, Any], Awaitable[None]]
"""A function that changes a loaded user in place, in its unit of work."""


class DocumentIdentity:
    """Users as documents. Writes record an audit entry and an event, as those of the document service do."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        reader: DocumentReaderProtocol,
        commit_listeners: CommitListeners,
        settings: Settings,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._registries = registry_handle
        self._units = unit_of_work
        self._clock = clock
        self._ids = ids
        self._users = Records(registry_handle, reader, _USER, *_FIELDS)
        self._credentials = Records(registry_handle, reader, _CREDENTIAL, "password_hash", "for_development")
        self._passwords = Passwords()
        self._watchers = commit_listeners
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
            await self._rehash(user["id"], password, credential)
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
        check_attributes(attributes or {})
        hashed = None if password is None else await self._passwords.hash(password)
        kept = {name: list(given) for name, given in (attributes or {}).items() if given}
        values = {"email": email, "full_name": full_name, "roles": list(dict.fromkeys(roles)), "attributes": kept}
        id = self._ids()

        async def attempt() -> Identity:
            context = self._context("create a user")
            plan = context.registry.get(_USER)
            user = new_record(plan, id, self._clock(), {**values, "name": _folded(email)})
            async with self._units(context) as unit:
                await self._check_roles(unit, user.roles)
                await self._check_free(unit, user.email)
                await unit.repository(_USER).insert(user)
                stored = document_values(plan, user)
                record_change(
                    unit, context, plan, "create", DocCreated, stored, difference(plan, None, stored), self._ids
                )
                if hashed:
                    await self._keep_hash(unit, id, hashed, for_development)
                await unit.commit()
            return _identity(stored)

        # of two concurrent creations with one address, the later one finds it taken on retry, and raises
        return await retry(attempt, TransientError, DuplicateValueError)

    async def set_password(self, email: str, password: str, *, for_development: bool = False) -> Identity:
        """Replace the password and void all sessions. Raises EntityNotFoundError and ValidationError."""
        hashed = await self._passwords.hash(password)

        async def change(unit: UnitOfWorkProtocol, user: Any) -> None:
            await self._keep_hash(unit, user.id, hashed, for_development)
            await _void_sessions(unit, user)

        return await self._change(email, "set a password", change)

    async def add_role(self, email: str, role: str) -> Identity:
        """Assign a role. Raises EntityNotFoundError and ValidationError."""

        async def change(unit: UnitOfWorkProtocol, user: Any) -> None:
            await self._check_roles(unit, [role])
            user.roles = list(dict.fromkeys([*user.roles, role]))

        return await self._change(email, "give a role", change)

    async def set_attributes(self, email: str, attributes: Attributes) -> Identity:
        """Replace the values of these attributes, removing those without values.

        Raises EntityNotFoundError and ValidationError.
        """
        check_attributes(attributes)

        async def change(unit: UnitOfWorkProtocol, user: Any) -> None:
            changed = {**user.attributes, **{name: list(values) for name, values in attributes.items()}}
            user.attributes = {name: values for name, values in changed.items() if values}

        return await self._change(email, "set attributes", change)

    async def disable(self, email: str) -> Identity:
        """Disable the user's logins and void all sessions. Raises EntityNotFoundError."""

        async def change(unit: UnitOfWorkProtocol, user: Any) -> None:
            user.enabled = False
            await _void_sessions(unit, user)

        return await self._change(email, "disable a user", change)

    async def enable(self, email: str) -> Identity:
        """Allow a disabled user to log in again. Raises EntityNotFoundError."""

        async def change(unit: UnitOfWorkProtocol, user: Any) -> None:
            user.enabled = True

        return await self._change(email, "enable a user", change)

    async def all(self) -> Sequence[Identity]:
        """Return every user, by email."""
        return [_identity(user) for user in await self._users.select(EVERYTHING, OrderSpec("email"))]

    async def _change(self, email: str, reason: str, change: Change) -> Identity:
        async def attempt() -> Identity:
            context = self._context(reason)
            plan = context.registry.get(_USER)
            async with self._units(context) as unit:
                user = await _by_email(unit, email)
                before = document_values(plan, user)
                await change(unit, user)
                user.modified, user.modified_by = self._clock(), context.principal.id
                await unit.repository(_USER).update(user, expected_version=user.row_version)
                stored = document_values(plan, user)
                changed = difference(plan, before, stored)
                record_change(unit, context, plan, "write", DocUpdated, stored, changed, self._ids)
                self._watchers.written(unit, _USER, user.id)
                await unit.commit()
            return _identity(stored)

        return await retry(attempt, TransientError, VersionConflictError, DuplicateValueError)

    def _context(self, reason: str) -> RequestContext:
        return self._registries.pin(system_context(reason, clock=self._clock))

    async def _check_roles(self, unit: UnitOfWorkProtocol, roles: Sequence[str]) -> None:
        known = {role.name async for role in unit.repository(_ROLE).stream()}
        unknown = [role for role in roles if role not in known]
        if unknown:
            message = f"there is no role {', '.join(map(repr, unknown))}: known are {', '.join(sorted(known))}"
            raise ValidationError(message, [FieldError("roles", "unknown_role", message)])

    async def _check_free(self, unit: UnitOfWorkProtocol, email: str) -> None:
        if await unit.repository(_USER).count(Comparison("email", "eq", email)):
            raise DuplicateNameError(f"there is a user {email} already: change that one or take another address")

    async def _keep_hash(self, unit: UnitOfWorkProtocol, user_id: UUID, hashed: str, for_development: bool) -> None:
        repository = unit.repository(_CREDENTIAL)
        known = (await repository.list(Comparison("user", "eq", user_id), limit=1)).items
        if known:
            known[0].password_hash, known[0].modified = hashed, self._clock()
            known[0].for_development = for_development
            await repository.update(known[0], expected_version=known[0].row_version)
        else:
            values = {"user": user_id, "password_hash": hashed, "for_development": for_development}
            await repository.insert(
                new_record(unit.context.registry.get(_CREDENTIAL), self._ids(), self._clock(), values)
            )

    async def _rehash(self, user_id: UUID, password: str, credential: Mapping[str, Any]) -> None:
        """Replace a hash by one with current parameters, unless it has been replaced meanwhile."""
        hashed = await self._passwords.hash(password)
        context = system_context("hash a password anew", source="http", clock=self._clock)
        unchanged = Comparison("password_hash", "eq", credential["password_hash"])
        current = And((Comparison("user", "eq", user_id), unchanged))
        with suppress(VersionConflictError, TransientError):
            async with self._units(context) as unit:
                if await unit.repository(_CREDENTIAL).count(current):
                    await self._keep_hash(unit, user_id, hashed, credential["for_development"])
                    await unit.commit()


async def _by_email(unit: UnitOfWorkProtocol, email: str) -> Any:
    page = await unit.repository(_USER).list(Comparison("email", "eq", _folded(email)), limit=1)
    if not page.items:
        raise EntityNotFoundError(f"there is no user {email!r}")
    return page.items[0]


async def _void_sessions(unit: UnitOfWorkProtocol, user: Any) -> None:
    user.epoch += 1
    await unit.repository(_SESSION).delete_where(Comparison("user", "eq", user.id))


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
