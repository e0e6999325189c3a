"""`FieldKind`: the closed set of forms in which stores keep values."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["DECIMAL_DIGITS", "STORED_KINDS", "FieldKind"]

DECIMAL_DIGITS: Final = 18
"""The maximum number of digits of a decimal, so that scaled it fits a signed 64-bit integer on every store."""


class FieldKind(enum.StrEnum):
    """How a value is stored, compared and shown."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"
    DECIMAL = "decimal"
    UUID = "uuid"
    JSON = "json"
    BYTES = "bytes"
    CUSTOM = "custom"
    CHILDREN = "children"


STORED_KINDS: Final = frozenset(FieldKind) - {FieldKind.CUSTOM, FieldKind.CHILDREN}
"""The kinds that columns have; fields of the kind `custom` are stored as parts, each of one of these."""
