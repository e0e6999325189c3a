"""`Role`: a name that permissions are given to."""

from __future__ import annotations

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.errors import LinkedDocumentError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["Role", "RoleController"]


class Role(BaseDocType):
    """A set of permissions by name. Roles that DocTypes name in `Meta.permissions` are made at the start."""

    description: str | None = Field(default=None, in_list=True)

    class Meta:
        naming = "prompt"


class RoleController(Controller[Role]):
    """Keeps a role for as long as somebody has it."""

    async def before_delete(self) -> None:
        """Refuse while a user has the role: users name roles, so nothing else would keep it."""
        unit: UnitOfWorkProtocol = self.context.unit
        holders = await unit.repository("User").count(Comparison("roles", "has", self.doc.name))
        if holders:
            raise LinkedDocumentError(f"{holders} users have the role {self.doc.name}: take it from them first")
