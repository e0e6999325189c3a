"""What rows of before are given in a new column: the default of the field."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.domain.field_spec import FieldSpec
from framework_m_core.domain.values import bounded
from framework_m_standard.sql.row_codec import encoder

__all__ = ["DEFAULT", "REQUIRED", "stored_default"]

DEFAULT: Final = "default"
"""The key, in the `info` of a column, of what makes its default."""
REQUIRED: Final = "required"
"""The key of whether documents must have a value."""


def stored_default(dialect: str, model: type[BaseModel], spec: FieldSpec) -> Any:
    """The default of a field as a literal of its column's type takes it; None where there is none, or it is null."""
    value = None if spec.required else model.model_fields[spec.name].get_default(call_default_factory=True)
    if value is None:
        return None
    stored = bounded(spec, value.value if spec.enum else value)
    encode = encoder(dialect, spec)
    return encode(stored) if encode else stored
