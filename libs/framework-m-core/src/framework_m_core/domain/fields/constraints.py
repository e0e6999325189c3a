"""The constraints of a field, wherever its annotation states them."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

__all__ = ["split_constraints"]


def split_constraints(info: FieldInfo) -> tuple[Any, list[Any]]:
    """Return the annotation of a field's values without constraints, and these, also those within `… | None`."""
    members = get_args(info.annotation) if get_origin(info.annotation) in {Union, UnionType} else ()
    for member in members:
        if get_origin(member) is Annotated:
            within = FieldInfo.from_annotation(member)
            return within.annotation, [*info.metadata, *within.metadata]
    return info.annotation, info.metadata
