"""Defaults for values missing from a row that was stored before its DocType gained fields, or by an older registry."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from framework_m_core.spi import CompiledDocType, FieldSpec, default_of
from framework_m_standard.memory.engine.rows import Row, encode_value

__all__ = ["fill_row"]


def fill_row(plan: CompiledDocType, row: Row) -> Row:
    """Return a row with defaults for the fields that it was stored without; the same row if none is missing."""
    whole = _with_defaults(plan.model, plan.fields, row)
    for field, child in plan.children.items():
        before = row.get(field) or ()
        rows = tuple([_with_defaults(child.model, child.fields, one) for one in before])
        if any(new is not old for new, old in zip(rows, before, strict=True)):
            whole = Row({**whole, field: rows})
    return whole


def _with_defaults(model: type[BaseModel], specs: Mapping[str, FieldSpec], row: Row) -> Row:
    lacking = [spec for spec in specs.values() if spec.is_scalar and _lacks(spec, row)]
    defaults = {spec.name: default for spec in lacking if (default := default_of(model, spec)) is not None}
    return (
        Row({**row, **{name: encode_value(specs[name], default) for name, default in defaults.items()}})
        if defaults
        else row
    )


def _lacks(spec: FieldSpec, row: Row) -> bool:
    return spec.name not in row or (row[spec.name] is None and not spec.nullable)
