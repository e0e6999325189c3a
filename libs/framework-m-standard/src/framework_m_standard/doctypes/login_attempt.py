"""`LoginAttempt`: a login that was tried and did not succeed, counted by the login throttle."""

from __future__ import annotations

from datetime import datetime

from framework_m_core.domain.fields.field import Field
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["LoginAttempt"]


class LoginAttempt(BaseDocType):
    """A failed login, or one under way. Account and address are keyed hashes, good for counting alone."""

    account_key: str
    address_key: str
    at: datetime = Field(index=True)

    class Meta:
        api_resource = False
        indexes = (("account_key", "at"), ("address_key", "at"))
