"""Whom we sell to."""

from enum import StrEnum

from framework_m import DocType, Field


class CustomerStatus(StrEnum):
    """How far we are with a customer."""

    LEAD = "Lead"
    ACTIVE = "Active"
    DORMANT = "Dormant"


class Customer(DocType):
    """A person or company that buys from us."""

    full_name: str = Field(min_length=1, max_length=200, in_list=True)
    email: str | None = Field(default=None, index=True, in_list=True)
    phone: str | None = Field(default=None)
    territory: str | None = Field(default=None, index=True)
    status: CustomerStatus = Field(default=CustomerStatus.LEAD, in_list=True)
    notes: str | None = Field(default=None)

    class Meta:
        permissions = {
            "read": {"Sales User": "own", "Sales Manager": "all"},
            "write": {"Sales User": "own", "Sales Manager": "all"},
            "create": {"Sales User": "own", "Sales Manager": "all"},
            "delete": {"Sales User": "own", "Sales Manager": "all"},
        }
