"""`User`: a person who may log in, with the rules of its writes."""

from __future__ import annotations

import re

from pydantic import field_validator

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.errors import EntityNotFoundError, FieldProblem, ValidationError
from framework_m_core.domain.field import Field
from framework_m_core.domain.filters import Comparison
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["User", "UserController"]

_ADDRESS = re.compile(r"[^@\s/\x00-\x1f\x7f]+@[^@\s/\x00-\x1f\x7f]+")
_MOST_CHARACTERS = 254
_OWNED = ("UserCredential", "UserSession")


class User(BaseDocType):
    """A person who may log in. `attributes` feed row scopes; sessions begun under an older `epoch` are void."""

    email: str = Field(unique=True, in_list=True)
    full_name: str | None = Field(default=None, in_list=True)
    enabled: bool = Field(default=True, in_list=True)
    roles: list[str] = Field(default=[])
    attributes: dict[str, list[str]] = Field(default={})
    epoch: int = Field(default=0, read_only=True)

    class Meta:
        naming = "field:email"
        permissions = {"select": {"Guest": "all"}}

    @field_validator("email")
    @classmethod
    def _address(cls, value: str) -> str:
        email = value.strip().lower()
        if not _ADDRESS.fullmatch(email) or len(email) > _MOST_CHARACTERS:
            raise ValueError("an email address is expected, such as ada@example.com, without spaces and '/'")
        return email


class UserController(Controller[User]):
    """Keeps roles real, and a disabled or deleted user out."""

    async def validate(self) -> None:
        """Refuses unknown roles; disabling a user voids all sessions."""
        self.doc.roles = list(dict.fromkeys(self.doc.roles))
        await self._check_roles()
        if self.previous and self.previous.enabled and not self.doc.enabled:
            self.doc.epoch = self.previous.epoch + 1

    async def before_delete(self) -> None:
        """Removes the password and the sessions: they belong to the user, and would keep it from being deleted."""
        unit: UnitOfWorkProtocol = self.scope.unit
        for doctype in _OWNED:
            await unit.repository(doctype).delete_where(Comparison("user", "eq", self.doc.id))

    async def _check_roles(self) -> None:
        known = self.previous.roles if self.previous else []
        roles = self.documents.elevated("check that the roles of a user exist")
        problems = []
        for role in self.doc.roles:
            try:
                if role not in known:
                    await roles.get("Role", role)
            except EntityNotFoundError:
                problems.append(FieldProblem("roles", "unknown_role", f"there is no role {role!r}: create it first"))
        if problems:
            raise ValidationError("the user has roles that do not exist", problems)
