"""Keys of lookups by a caller's values.

Python hashes numbers, and thus UUIDs, decimals and datetimes, without a secret: a caller can send thousands of values
with one hash, and each lookup then compares with all of them. Bytes and text are hashed with a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

from pydantic import BaseModel

__all__ = ["HashKey", "find_unseeded_types", "hash_key", "hash_keys"]

type HashKey = bytes | str
"""The key type for dicts and sets of values that come from callers."""


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
    """Return the digits without trailing zeros, so that 1.0 and 1.00 have one key."""
    sign, digits, exponent = value.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    if not kept or not isinstance(exponent, int):
        return str(exponent) if not isinstance(exponent, int) else "0"
    return f"{'-' if sign else ''}{kept}e{exponent + len(written) - len(kept)}"


def find_unseeded_types(annotation: Any, seen: frozenset[type] = frozenset()) -> Iterator[str]:
    """Yield an error for each set or mapping within a type whose members or keys a caller can make collide."""
    if isinstance(annotation, TypeAliasType):
        annotation = annotation.__value__
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Set) and not (arguments and _is_seeded(arguments[0])):
        yield f"{_type_text(annotation)}: expected a list, since numbers and UUIDs in a set can be made to collide"
    elif isinstance(origin, type) and issubclass(origin, Mapping) and arguments and not _is_key(arguments[0]):
        yield f"{_type_text(annotation)}: expected keys of text, since numbers and UUIDs can be made to collide"
    elif isinstance(origin, type) and origin not in seen:
        for part in _parts(origin):
            yield from find_unseeded_types(part, seen | {origin})
    for argument in arguments:
        yield from find_unseeded_types(argument, seen)


def _parts(class_: type) -> Iterator[Any]:
    """Yield the types of a record's fields."""
    if issubclass(class_, BaseModel):
        yield from (info.annotation for info in class_.model_fields.values())
    elif is_dataclass(class_) or is_typeddict(class_):
        yield from get_type_hints(class_, include_extras=True).values()


def _type_text(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def _is_key(annotation: Any) -> bool:
    """Return whether the keys of JSON objects, which are text, stay text."""
    return annotation is Any or _is_seeded(annotation)


def _is_seeded(annotation: Any) -> bool:
    if isinstance(annotation, TypeAliasType):
        return _is_seeded(annotation.__value__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return True
    if origin is Annotated:
        return _is_seeded(arguments[0])
    if origin in {Union, UnionType}:
        return all(map(_is_seeded, arguments))
    return isinstance(annotation, type) and issubclass(annotation, str | bytes | bool | Enum | NoneType)
