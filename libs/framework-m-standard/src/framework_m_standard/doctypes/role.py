"""`Role`: a name that permissions are given to."""

from __future__ import annotations

from framework_m_core.domain.field import Field
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["Role"]


class Role(BaseDocType):
    """A set of permissions by name. Roles that DocTypes name in `Meta.permissions` are made at the start."""

    description: str | None = Field(default=None, in_list=True)

    class Meta:
        naming = "prompt"
