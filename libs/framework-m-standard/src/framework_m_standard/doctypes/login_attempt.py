"""`LoginAttempt`: a failed login, counted by the login throttle, or where an account is known."""

from __future__ import annotations

from datetime import datetime

from framework_m_core.domain.fields.field import Field
from framework_m_standard.doctypes.base_doctype import BaseDocType

__all__ = ["LoginAttempt"]


class LoginAttempt(BaseDocType):
    """A failed or pending login, or the network of a successful one, until `at`.

    Account and network are stored as keyed hashes, which can only be counted.
    """

    account_key: str
    address_key: str
    at: datetime = Field(index=True)

    class Meta:
        api_resource = False
        indexes = (("account_key", "at"), ("address_key", "at"))
