"""Keyset cursors: a page starts after the sort values of the previous one, so its cost does not grow with depth.

A cursor holds values that the caller has read. A forged one is only a filter over fields the caller may sort by.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import to_json

from framework_m_core.domain.fields.json_form import to_json_form
from framework_m_core.domain.fields.values import from_json
from framework_m_core.domain.filters.tree import NOTHING, And, Comparison, Filter, Or
from framework_m_core.domain.page import OrderSpec
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.queries.refusals import refuse

__all__ = ["encode_cursor", "filter_after_cursor", "filter_after_values"]

_MAX_CURSOR = 8_000


def encode_cursor(plan: CompiledDocType, order_by: Sequence[OrderSpec], document: Mapping[str, Any]) -> str | None:
    """Return the cursor after a document in an order, or None if its sort values are too long for a cursor."""
    values = [document[spec.field] for spec in order_by]
    if plan.json_encoders:
        values = to_json_form(values, plan.json_encoders)
    content = to_json([_signature(order_by), values])
    cursor = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    return cursor if len(cursor) <= _MAX_CURSOR else None


def filter_after_cursor(plan: CompiledDocType, order_by: Sequence[OrderSpec], cursor: str) -> Filter:
    """Return the filter for everything after a cursor. Raises QueryError for an invalid one or another order's."""
    return filter_after_values(plan, order_by, _decode(plan, order_by, cursor))


def filter_after_values(plan: CompiledDocType, order_by: Sequence[OrderSpec], values: Sequence[Any]) -> Filter:
    """Return the filter for everything after a document with these sort values."""
    branches: list[Filter] = []
    ties: tuple[Filter, ...] = ()
    for spec, value in zip(order_by, values, strict=True):
        branches.append(And((*ties, _after(plan, spec, value))))
        ties = (*ties, _equals(spec, value))
    return And((_bound(plan, order_by[0], values[0]), Or(tuple(branches))))


def _after(plan: CompiledDocType, spec: OrderSpec, value: Any) -> Filter:
    if value is None:
        return NOTHING
    beyond = Comparison(spec.field, "lt" if spec.descending else "gt", value)
    return Or((beyond, _null(spec))) if plan.specs[spec.field].nullable else beyond


def _bound(plan: CompiledDocType, spec: OrderSpec, value: Any) -> Filter:
    """Return what the branches imply for the first field, stated so that an index can start at the cursor."""
    if value is None:
        return _null(spec)
    bound = Comparison(spec.field, "lte" if spec.descending else "gte", value)
    return Or((bound, _null(spec))) if plan.specs[spec.field].nullable else bound


def _equals(spec: OrderSpec, value: Any) -> Filter:
    return _null(spec) if value is None else Comparison(spec.field, "eq", value)


def _null(spec: OrderSpec) -> Filter:
    return Comparison(spec.field, "is_null", True)


def _decode(plan: CompiledDocType, order_by: Sequence[OrderSpec], cursor: str) -> list[Any]:
    broken = refuse("cursor", "bad_cursor")
    if len(cursor) > _MAX_CURSOR:
        raise broken
    try:
        decoded = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        signature, raw = json.loads(decoded, parse_float=Decimal)
        if signature != _signature(order_by) or not isinstance(raw, list) or len(raw) != len(order_by):
            raise broken
        values = [from_json(plan.specs[spec.field], value) for spec, value in zip(order_by, raw, strict=True)]
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise broken from None
    if any(value is None and not plan.specs[spec.field].nullable for spec, value in zip(order_by, values, strict=True)):
        raise broken
    return values


def _signature(order_by: Sequence[OrderSpec]) -> str:
    return ",".join(("-" if spec.descending else "") + spec.field for spec in order_by)
