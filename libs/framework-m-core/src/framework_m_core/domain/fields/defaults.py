"""What documents that were stored before a field was there get in it."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import bounded

__all__ = ["stored_default"]


def stored_default(model: type[BaseModel], spec: FieldSpec) -> Any:
    """The default of a field in its stored form; None where there is none, or it is null.

    What a factory makes is no default for stored documents, since it may be meant to differ from one to the next;
    `list` and `dict` make nothing of the kind.
    """
    info = model.model_fields[spec.name]
    factory: Any = info.default_factory
    default = factory() if factory in (list, dict) else info.default
    if default is None or default is PydanticUndefined:
        return None
    return bounded(spec, default.value if isinstance(default, Enum) else default)
