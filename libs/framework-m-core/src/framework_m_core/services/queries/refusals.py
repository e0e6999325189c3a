"""Errors of list parameters, each at its path, and the fields that parameters may name."""

from __future__ import annotations

from reprlib import Repr
from typing import Any, Final

from framework_m_core.domain.errors import FieldError, QueryError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["describe_kind", "find_field", "refuse", "refuse_unknown", "shorten"]

_MAX_SHOWN: Final = 80
_SHOWN: Final = Repr(maxstring=_MAX_SHOWN, maxother=_MAX_SHOWN, maxlong=_MAX_SHOWN, maxlevel=3)


def refuse(path: str, code: str, message: str = "", /, **params: Any) -> QueryError:
    """Return the error of a parameter, or of a part of one, at its path."""
    error = FieldError(path, code, message, params)
    return QueryError(f"{path}: {error.message}", [error])


def shorten(value: object) -> str:
    """Return what a caller sent, for a message: of large values only the beginning is read."""
    if isinstance(value, int) and value.bit_length() > _MAX_SHOWN:
        return f"an integer of {value.bit_length()} bits"
    shown = _SHOWN.repr(value)
    return shown if len(shown) <= 2 * _MAX_SHOWN else f"{shown[: 2 * _MAX_SHOWN]}…"


def find_field(path: str, plan: CompiledDocType, grant: Grant, name: Any) -> FieldSpec:
    """Return the spec of a column that the caller may read. Raises QueryError for anything else."""
    if not isinstance(name, str) or name not in grant.readable or name not in plan.columns or name == "deleted_at":
        whole = name.partition(".")[0] if isinstance(name, str) else ""
        if whole in grant.readable and whole in plan.columns and plan.specs[whole].field_type:
            kind = describe_kind(plan.specs[whole])
            raise refuse(path, "part_of_value", part=name[:_MAX_SHOWN], field=whole, type=kind)
        if whole in plan.children and whole == name and whole in grant.readable:
            raise refuse(path, "not_comparable", field=name)
        raise refuse_unknown(path, plan, grant, name)
    return plan.specs[name]


def describe_kind(spec: FieldSpec) -> str:
    """Return the word for what a field holds."""
    return spec.field_type.name if spec.field_type else "JSON" if spec.kind is FieldKind.JSON else spec.kind


def refuse_unknown(path: str, plan: CompiledDocType, grant: Grant, name: object) -> QueryError:
    """Return the error of a name that is not that of a field, with those that the caller may read."""
    known = sorted(field for field in grant.readable if "." not in field and field != "deleted_at")
    return refuse(path, "unknown_field", doctype=plan.name, got=shorten(name), choices=known)
