"""`Role`: a name to which permissions are granted."""

from __future__ import annotations

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.errors import LinkedDocumentError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["Role", "RoleController"]


class Role(BaseDocType):
    """A named set of permissions. Roles that DocTypes name in `Meta.permissions` are created at start."""

    description: str | None = Field(default=None, in_list=True)

    class Meta:
        naming = "prompt"
        allow_rename = False  # users, permissions and scopes hold roles by name


class RoleController(Controller[Role]):
    """Controller of roles: refuse to delete one that users have."""

    async def before_delete(self) -> None:
        """Raise LinkedDocumentError if a user has the role: users hold roles by name, so no link protects it."""
        unit: UnitOfWorkProtocol = self.context.require_unit()
        holders = await unit.repository("User").count(Comparison("roles", "has", self.doc.name))
        if holders:
            raise LinkedDocumentError(f"{holders} users have the role {self.doc.name}: remove it from them first")
