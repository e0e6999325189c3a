"""Sizes of rows: what they have at most, what they have, and how many fit into a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

from framework_m_core.domain.errors import AnswerTooLargeError, FieldError
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.constraints import split_constraints
from framework_m_core.domain.fields.sizes import measure_value
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["PAGE_BYTES", "count_fitting", "measure_row", "measure_widest_row", "refuse_too_large"]

PAGE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of the fields of a page. It ends before the row that exceeds them, but has at least one."""

_MAX_SCALAR_BYTES: Final = 64
_BYTES_PER_CHARACTER: Final = 4
_INDEXED_TEXT_BYTES: Final = _BYTES_PER_CHARACTER * MAX_INDEXED_TEXT
_UNLIMITED: Final = frozenset({FieldKind.JSON, FieldKind.BYTES})


def measure_widest_row(plan: CompiledDocType, chosen: Iterable[str | ChildSelection]) -> float:
    """Return the bytes that the chosen fields of a row have at most; infinite if nothing limits them."""
    return sum(math.inf if isinstance(part, ChildSelection) else _widest(plan, part) for part in chosen)


def _widest(plan: CompiledDocType, name: str) -> float:
    if name not in plan.fields or name in plan.indexed_text:
        return _INDEXED_TEXT_BYTES if plan.specs[name].kind is FieldKind.TEXT else _MAX_SCALAR_BYTES
    return sum(_widest_column(plan, plan.fields[name], column) for column in plan.fields[name].columns)


def _widest_column(plan: CompiledDocType, spec: FieldSpec, column: FieldSpec) -> float:
    if column.kind in _UNLIMITED:
        return math.inf
    if column.kind is not FieldKind.TEXT or spec.choices or spec.enum:
        return _MAX_SCALAR_BYTES
    _, constraints = split_constraints(find_info(plan.model, spec.name))
    limits = [getattr(one, "max_length", None) for one in constraints]
    return _BYTES_PER_CHARACTER * min((limit for limit in limits if limit is not None), default=math.inf)


def count_fitting(sizes: Sequence[int]) -> int:
    """Return how many of the first rows fit into a page, at least one."""
    return max(1, sum(total <= PAGE_BYTES for total in accumulate(sizes)))


def measure_row(plan: CompiledDocType, chosen: Iterable[str | ChildSelection], row: Iterable[Any]) -> int:
    """Return about how many bytes the values of a row have that was read, child rows included."""
    return sum(_measure_part(plan, part, value) for part, value in zip(chosen, row, strict=True))


def _measure_part(plan: CompiledDocType, part: str | ChildSelection, value: Any) -> int:
    if isinstance(part, str):
        return measure_value(plan.specs[part], value)
    fields = plan.children[part.field].fields
    specs = [fields.get(name, plan.specs["id"]) for name in part.columns]
    return sum(measure_value(spec, one) for child in value for spec, one in zip(specs, child, strict=True))


def refuse_too_large(path: str, message: str, /, **params: Any) -> AnswerTooLargeError:
    """Return the error of a parameter that asks for more than an answer may hold."""
    return AnswerTooLargeError(f"{path}: {message}", [FieldError(path, "out_of_bounds", message, params)])
