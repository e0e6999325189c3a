"""Filters as Python expressions: `(field("total") > 100) & field("customer").is_null()`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["FieldReference", "Filter", "Filters", "encode_filters", "field"]


class Filter:
    """A condition on documents; `&`, `|` and `~` combine conditions."""

    __slots__ = ("_json",)

    def __init__(self, json: Mapping[str, Any]) -> None:
        self._json = json

    def __and__(self, other: Filter) -> Filter:
        return Filter({"and": [*self._parts("and"), *other._parts("and")]})

    def __or__(self, other: Filter) -> Filter:
        return Filter({"or": [*self._parts("or"), *other._parts("or")]})

    def __invert__(self) -> Filter:
        return Filter({"not": self._json})

    def __bool__(self) -> bool:
        raise TypeError("a filter is neither true nor false: combine filters by &, | and ~, and use between()")

    def __repr__(self) -> str:
        return f"Filter({self._json!r})"

    def to_json(self) -> Mapping[str, Any]:
        """Return the filter as the server takes it."""
        return self._json

    def _parts(self, word: str) -> Sequence[Any]:
        """Return the parts of a combination by the same word, so that chains stay flat."""
        parts: Sequence[Any] = self._json.get(word, [self._json])
        return parts


type Filters = Filter | Mapping[str, Any] | Sequence[Filter | Mapping[str, Any]]
"""A filter, a list of filters that must all hold, or either of them in JSON."""


class FieldReference:
    """A field in a filter."""

    __slots__ = ("_name",)
    __hash__ = None  # type: ignore[assignment]  # == makes a filter

    def __init__(self, name: str) -> None:
        self._name = name

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return self.is_null() if value is None else self._compare("eq", value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]
        return ~self.is_null() if value is None else self._compare("ne", value)

    def __lt__(self, value: Any) -> Filter:
        return self._compare("lt", value)

    def __le__(self, value: Any) -> Filter:
        return self._compare("lte", value)

    def __gt__(self, value: Any) -> Filter:
        return self._compare("gt", value)

    def __ge__(self, value: Any) -> Filter:
        return self._compare("gte", value)

    def is_in(self, values: Iterable[Any]) -> Filter:
        """Match one of the values."""
        return self._compare("in", [*values])

    def not_in(self, values: Iterable[Any]) -> Filter:
        """Match none of the values; null matches."""
        return self._compare("not_in", [*values])

    def between(self, minimum: Any, maximum: Any) -> Filter:
        """Match values from `minimum` to `maximum`, both included."""
        return self._compare("between", [minimum, maximum])

    def is_null(self) -> Filter:
        """Match fields without a value."""
        return self._compare("is_null", True)

    def like(self, pattern: str) -> Filter:
        """Match a pattern in which `%` stands for any text."""
        return self._compare("like", pattern)

    def ilike(self, pattern: str) -> Filter:
        """Match a pattern as `like` does, ignoring the case of ASCII letters."""
        return self._compare("ilike", pattern)

    def contains(self, text: str) -> Filter:
        """Match texts that contain another."""
        return self._compare("contains", text)

    def starts_with(self, text: str) -> Filter:
        """Match texts that start with another."""
        return self._compare("starts_with", text)

    def has(self, value: Any) -> Filter:
        """Match lists that hold a value."""
        return self._compare("has", value)

    def _compare(self, operator: str, value: Any) -> Filter:
        return Filter({"field": self._name, "operator": operator, "value": value})


def field(name: str) -> FieldReference:
    """Name a field, to compare it.

    >>> (field("total") > 100).to_json()
    {'field': 'total', 'operator': 'gt', 'value': 100}
    """
    return FieldReference(name)


def encode_filters(filters: Filters) -> Any:
    """Return filters as the server takes them."""
    if isinstance(filters, Filter):
        return filters.to_json()
    return dict(filters) if isinstance(filters, Mapping) else [encode_filters(part) for part in filters]
