"""`UserCredential`: the hash of a user's password, kept apart from what administrators read and write."""

from __future__ import annotations

from uuid import UUID

from framework_m_core.domain.fields.field import Field
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["UserCredential"]


class UserCredential(BaseDocType):
    """A user's password, hashed. One `for_development`, as demo data has it, opens nothing in production."""

    user: UUID = Field(link="User", unique=True)
    password_hash: str = Field(sensitive=True)
    for_development: bool = False

    class Meta:
        api_resource = False
