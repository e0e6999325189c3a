"""Keys of look-ups by a caller's values.

Python hashes numbers, and with them UUIDs, decimals and moments, without a secret: a caller can send thousands of
values with one hash, and each look-up then compares with all of them. Bytes and text are hashed with a secret.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["HashKey", "hash_key", "hash_keys"]

type HashKey = bytes | str
"""What dicts and sets may be keyed by where the values come from callers."""


def hash_key(value: Any) -> HashKey:
    """Return the key of a scalar stored value; equal values of one field have equal keys."""
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, float):
        return repr(value + 0.0)  # -0.0 equals 0.0
    if isinstance(value, Decimal):
        return _decimal_key(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"expected a scalar value, got {type(value).__name__}")


def hash_keys(*values: Any) -> HashKey:
    """Return one key of several values, in their order."""
    if len(values) == 1:
        return hash_key(values[0])
    keys = [
        key if isinstance(key := hash_key(value), bytes) else key.encode("utf-8", "surrogatepass") for value in values
    ]
    return b"".join(b"%d:%b" % (len(key), key) for key in keys)


def _decimal_key(value: Decimal) -> str:
    """The digits without zeros at their end, so that 1.0 and 1.00 have one key."""
    sign, digits, exponent = value.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    if not kept or not isinstance(exponent, int):
        return str(exponent) if not isinstance(exponent, int) else "0"
    return f"{'-' if sign else ''}{kept}e{exponent + len(written) - len(kept)}"
