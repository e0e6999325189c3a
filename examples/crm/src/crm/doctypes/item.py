"""What we sell."""

from decimal import Decimal

from framework_m import DocType, Field


class Item(DocType):
    """A product or service with its price."""

    item_code: str = Field(min_length=1, max_length=100, unique=True, in_list=True)
    description: str | None = Field(default=None, in_list=True)
    rate: Decimal = Field(default=Decimal(0), ge=0, scale=2, in_list=True)
    cost: Decimal | None = Field(default=None, ge=0, scale=2, permlevel=1)
    is_active: bool = Field(default=True)

    class Meta:
        permissions = {
            "read": {"Sales User": "own", "Sales Manager": "all"},
            "write": {"Sales User": "own", "Sales Manager": "all"},
            "create": {"Sales User": "own", "Sales Manager": "all"},
            "delete": {"Sales User": "own", "Sales Manager": "all"},
        }
        field_levels = {1: {"read": ["Sales Manager"], "write": ["Sales Manager"]}}
