"""`UserSession`: a login session, until it is ended or expires."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from framework_m_core.domain.fields.field import Field
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["UserSession"]


class UserSession(BaseDocType):
    """A login session; its secrets are stored as hashes."""

    user: UUID = Field(link="User", index=True)
    kind: SessionKind
    epoch: int
    expires: datetime
    secret_hash: str = Field(sensitive=True)
    csrf_hash: str = Field(sensitive=True)

    class Meta:
        api_resource = False
