"""Check of the types inside lists and objects that are stored as JSON."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence, Set
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

__all__ = ["find_json_type_errors"]

_LEAVES: Final = (str, int, float, bool, NoneType, Any, object)
_CONTAINERS: Final = (list, tuple, set, frozenset, dict, Mapping, Sequence, Set)


def find_json_type_errors(annotation: Any) -> Iterator[str]:
    """Yield an error for each type within a type whose values JSON cannot hold exactly, such as decimals and dates."""
    yield from _errors(annotation, frozenset())


def _errors(annotation: Any, seen: frozenset[type | TypeAliasType]) -> Iterator[str]:
    if isinstance(annotation, TypeAliasType):
        if annotation not in seen:
            yield from _errors(annotation.__value__, seen | {annotation})
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _errors(arguments[0], seen)
    elif origin in {Union, UnionType} or origin in _CONTAINERS:
        for argument in arguments:
            if argument is not Ellipsis:
                yield from _errors(argument, seen)
    elif is_typeddict(annotation):
        if annotation not in seen:
            for part in get_type_hints(annotation).values():
                yield from _errors(part, seen | {annotation})
    elif not _is_leaf(annotation, origin):
        name = getattr(annotation, "__name__", str(annotation))
        yield f"JSON cannot hold {name}: expected str, int, float, bool, None, Literal, Enum, list, dict or TypedDict"


def _is_leaf(annotation: Any, origin: Any) -> bool:
    if origin is Literal or annotation in (*_LEAVES, *_CONTAINERS):
        return True
    return isinstance(annotation, type) and issubclass(annotation, enum.Enum) and issubclass(annotation, (str, int))
