"""Selection and ordering of rows by filters, whose meaning `domain.filters` defines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol
from uuid import UUID

from framework_m_core.spi import (
    And,
    Comparison,
    Filter,
    HashKey,
    Not,
    Or,
    OrderSpec,
    Placeholder,
    comparisons_of,
    compile_predicate,
    hash_key,
)
from framework_m_standard.memory.engine.rows import Row, parse_json

__all__ = ["Rows", "fill", "select"]


class Rows(Protocol):
    """Documents by the hash keys of their ids, of a database or as a transaction sees them."""

    def get(self, key: HashKey, /) -> Row | None:
        """Return one document, if it exists."""
        ...

    def values(self) -> Iterable[Row]:
        """Return all documents."""
        ...


def select(rows: Rows, where: Filter, order_by: Sequence[OrderSpec] = ()) -> list[Row]:
    """Return the rows that match, ordered, with nulls last in both directions."""
    found = list(filter(_matcher(where), _candidates(rows, where)))
    for spec in reversed(order_by):
        known = [row for row in found if row[spec.field] is not None]
        known.sort(key=lambda row, field=spec.field: row[field], reverse=spec.descending)  # type: ignore[misc]
        found = known + [row for row in found if row[spec.field] is None] if len(known) < len(found) else known
    return found


def _matcher(where: Filter) -> Callable[[Row], bool]:
    """Return the predicate of a filter over stored rows, whose lists are text."""
    wanted = compile_predicate(where)
    lists = frozenset(comparison.field for comparison in comparisons_of(where) if comparison.operator == "has")
    if not lists:
        return wanted
    return lambda row: wanted(Row(row | {name: parse_json(row[name]) for name in lists}))


def fill(template: Filter, values: Iterator[Any]) -> Filter:
    """Return a filter template with its placeholders replaced by values, taken in reading order."""
    match template:
        case And(parts):
            return And(tuple([fill(part, values) for part in parts]))
        case Or(parts):
            return Or(tuple([fill(part, values) for part in parts]))
        case Not(part):
            return Not(fill(part, values))
        case Comparison(field, "in" | "not_in" as operator, Placeholder(size)):
            return Comparison(field, operator, tuple([next(values) for _ in range(size)]))
        case Comparison(field, "between", (Placeholder(), Placeholder())):
            return Comparison(field, "between", (next(values), next(values)))
        case Comparison(field, operator, Placeholder()):
            return Comparison(field, operator, next(values))
    return template


def _candidates(rows: Rows, where: Filter) -> Iterable[Row]:
    """Return all rows, or only those with the ids that the filter requires."""
    ids = _wanted_ids(where)
    if ids is None:
        return rows.values()
    return [row for key in dict.fromkeys(map(hash_key, ids)) if (row := rows.get(key)) is not None]


def _wanted_ids(where: Filter) -> tuple[UUID, ...] | None:
    match where:
        case Comparison("id", "eq", id):
            return (id,)
        case Comparison("id", "in", ids):
            return tuple(ids)
        case And(parts):
            return next((ids for part in parts if (ids := _wanted_ids(part)) is not None), None)
    return None
