"""Whom we talk to."""

from uuid import UUID

from framework_m import DocType, Field


class Contact(DocType):
    """A person at a customer."""

    full_name: str = Field(min_length=1, max_length=200, in_list=True)
    customer: UUID | None = Field(default=None, link="Customer", in_list=True)
    customer_name: str | None = Field(default=None, fetch_from="customer.full_name")
    email: str | None = Field(default=None, in_list=True)
    phone: str | None = Field(default=None)

    class Meta:
        permissions = {
            "read": {"Sales User": "own", "Sales Manager": "all"},
            "write": {"Sales User": "own", "Sales Manager": "all"},
            "create": {"Sales User": "own", "Sales Manager": "all"},
            "delete": {"Sales User": "own", "Sales Manager": "all"},
        }
