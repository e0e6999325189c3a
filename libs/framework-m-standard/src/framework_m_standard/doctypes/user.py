"""`User`: a person who may log in, and the rules for changing users."""

from __future__ import annotations

import re

from pydantic import field_validator

from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.domain.context import ADMINISTRATOR
from framework_m_core.domain.documents.names import normalize_email
from framework_m_core.domain.errors import EntityNotFoundError, FieldError, LastAdministratorError, ValidationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.interfaces.identity import check_attributes
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_standard.doctypes.base_doctype import BaseDocType
from framework_m_standard.doctypes.user_rights import check_rights, is_administrator

__all__ = ["RIGHTS_LEVEL", "User", "UserController"]

RIGHTS_LEVEL = 9
"""The permission level of a user's rights: readable with the user, by default writable by administrators."""

_ADDRESS = re.compile(r"[^@\s/\x00-\x1f\x7f]+@[^@\s/\x00-\x1f\x7f]+")
_MAX_CHARACTERS = 254
_MAX_NAMED = 100
_SESSION = "UserSession"
_OWNED = ("UserCredential", _SESSION)
_ADMINISTRATORS = (Comparison("enabled", "eq", True), Comparison("roles", "has", ADMINISTRATOR))


class User(BaseDocType):
    """A person who may log in. Row scopes compare with `attributes`; sessions of an older `epoch` are void."""

    email: str = Field(unique=True, in_list=True)
    full_name: str | None = Field(default=None, in_list=True)
    enabled: bool = Field(default=True, in_list=True, permlevel=RIGHTS_LEVEL)
    roles: list[str] = Field(default=[], permlevel=RIGHTS_LEVEL)
    attributes: dict[str, list[str]] = Field(default={}, permlevel=RIGHTS_LEVEL)
    epoch: int = Field(default=0, read_only=True)

    class Meta:
        naming = "field:email"
        rename_with_field = True
        title_field = "full_name"
        permissions = {"select": {"All": "all"}}
        field_levels = {RIGHTS_LEVEL: {"read": ["Guest"]}}

    @field_validator("email")
    @classmethod
    def _address(cls, value: str) -> str:
        email = normalize_email(value)
        if not _ADDRESS.fullmatch(email) or len(email) > _MAX_CHARACTERS:
            raise ValueError("expected an email address such as ada@example.com, without spaces and '/'")
        return email


class UserController(Controller[User]):
    """Controller of users: check roles and rights, end the sessions of disabled users, and keep an administrator."""

    async def validate(self) -> None:
        """Refuse rights that the caller may not give, malformed attributes and unknown roles."""
        check_rights(self.context.principal, self.previous, self.doc)
        if self.previous is None or self.previous.attributes != self.doc.attributes:
            check_attributes(self.doc.attributes)
        self.doc.roles = list(dict.fromkeys(self.doc.roles))
        await self._check_roles()

    async def before_save(self) -> None:
        """Refuse to lose the last administrator; void all sessions of a disabled user."""
        if self.previous and is_administrator(self.previous) and not is_administrator(self.doc):
            await self._check_other_administrator()
        if self.previous and self.previous.enabled and not self.doc.enabled:
            self.doc.epoch = self.previous.epoch + 1

    async def after_save(self) -> None:
        """Delete the sessions of an older epoch, which are void."""
        if self.previous and self.previous.epoch != self.doc.epoch:
            unit: UnitOfWorkProtocol = self.context.require_unit()
            await unit.repository(_SESSION).delete_where(Comparison("user", "eq", self.doc.id))

    async def before_delete(self) -> None:
        """Delete the password and sessions of the user, whose links would prevent the deletion."""
        check_rights(self.context.principal, self.doc, None)
        if is_administrator(self.doc) and self.doc.deleted_at is None:
            await self._check_other_administrator()
        unit: UnitOfWorkProtocol = self.context.require_unit()
        for doctype in _OWNED:
            await unit.repository(doctype).delete_where(Comparison("user", "eq", self.doc.id))

    async def _check_other_administrator(self) -> None:
        """Raise LastAdministratorError if no other is left, unless the rule is waived."""
        if LastAdministratorError.code in self.context.waived:
            return
        # the lock serializes two administrators who disable each other
        roles = self.documents.elevated("check for another administrator")
        await roles.get("Role", ADMINISTRATOR, for_update=True)
        unit: UnitOfWorkProtocol = self.context.require_unit()
        others = And((*_ADMINISTRATORS, Comparison("id", "ne", self.doc.id)))
        if await unit.repository("User").count(others):
            return
        raise LastAdministratorError(
            f"{self.doc.name} is the last user with the role {ADMINISTRATOR} who may log in: "
            f"give it to another user first, or use `m user`"
        )

    async def _check_roles(self) -> None:
        had = self.previous.roles if self.previous else []
        new = [role for role in self.doc.roles if role not in had]
        if not new:
            return
        roles = self.documents.elevated("check that the roles of a user exist")
        unknown = [role for role in new if not await _exists(roles, role)]
        if unknown:
            known = (await roles.list("Role", order_by=["name"], fields=["name"], limit=_MAX_NAMED)).items
            names = ", ".join(role["name"] for role in known)
            message = f"expected existing roles, got {', '.join(map(repr, unknown))}: known are {names}"
            raise ValidationError(message, [FieldError("roles", "unknown_role", message)])


async def _exists(roles: Documents, name: str) -> bool:
    try:
        found = await roles.get("Role", name)
    except EntityNotFoundError:
        return False
    return bool(found["name"] == name)  # names are looked up without the blanks around them, rights are not
