"""Defaults of new fields for documents that are already stored."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import normalize_value

__all__ = ["default_of"]


def default_of(model: type[BaseModel], spec: FieldSpec) -> Any:
    """Return the default of a field in its stored form; None if there is none, or it is null.

    Values of a factory are not used for stored documents, since they may be meant to differ between documents;
    `list` and `dict` are exceptions.
    """
    info = find_info(model, spec.name)
    factory: Any = info.default_factory
    default = factory() if factory in (list, dict) else info.default
    if default is None or default is PydanticUndefined:
        return None
    return normalize_value(spec, default.value if isinstance(default, Enum) else default)
