"""`UserCredential`: the hash of a user's password, separate from the fields that administrators access."""

from __future__ import annotations

from uuid import UUID

from framework_m_core.domain.fields.field import Field
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["UserCredential"]


class UserCredential(BaseDocType):
    """A user's password hash. One `for_development`, such as in demo data, is invalid in production."""

    user: UUID = Field(link="User", unique=True)
    password_hash: str = Field(sensitive=True)
    for_development: bool = False

    class Meta:
        api_resource = False
