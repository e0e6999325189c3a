"""The filter tree as a MongoDB query.

The query language is two-valued as the tree is: comparisons with null are false, and `$nor` includes it. A value only
ever stands behind a typed operator, so it is never one itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from framework_m_core.spi import And, Comparison, FieldSpec, Filter, Not, Or, fold_ascii
from framework_mx_mongo.documents.codec import key_of
from framework_mx_mongo.documents.values import Convert, make_encoder

__all__ = ["NOTHING_QUERY", "Query", "compile_filter"]

type Query = Callable[[Iterator[Any]], dict[str, Any]]
"""Returns the query for values, taken in reading order."""

NOTHING_QUERY: Final[Mapping[str, Any]] = {"_id": {"$in": []}}

_OPERATORS: Final = {
    "eq": "$eq", "ne": "$ne", "lt": "$lt", "lte": "$lte", "gt": "$gt", "gte": "$gte", "in": "$in", "not_in": "$nin",
}  # fmt: skip
_TOKEN: Final = re.compile(r"\\(.)|(%)|(_)|([^\\%_])", re.DOTALL)
_SPECIAL: Final = re.compile(r"[\\.^$|?*+()\[\]{}]")


def compile_filter(tree: Filter, specs: Mapping[str, FieldSpec]) -> Query:
    """Return the query of a parameterized filter. Raises KeyError for an unknown field."""
    match tree:
        case And(parts):
            return _join("$and", [compile_filter(part, specs) for part in parts], {})
        case Or(parts):
            return _join("$or", [compile_filter(part, specs) for part in parts], NOTHING_QUERY)
        case Not(part):
            inner = compile_filter(part, specs)
            return lambda values: {"$nor": [inner(values)]}
        case Comparison():
            return _comparison(tree, specs[tree.field])
    raise TypeError(f"not a filter: {tree!r}")


def _join(operator: str, parts: list[Query], empty: Mapping[str, Any]) -> Query:
    if not parts:
        return lambda values: dict(empty)
    return lambda values: {operator: [part(values) for part in parts]}


def _comparison(node: Comparison, spec: FieldSpec) -> Query:
    first, *others = spec.columns
    keys = [key_of(column.name) for column in spec.columns]
    if node.operator == "is_null":
        lacks = {"$or": [{key: {"$eq": None}} for key in keys]} if others else {keys[0]: {"$eq": None}}
        found = lacks if node.value else {"$nor": [lacks]}
        return lambda values: found
    if others:
        return _whole(node, spec, keys)
    return _single(node, spec, keys[0], make_encoder(first) or _unchanged)


def _whole(node: Comparison, spec: FieldSpec, keys: list[str]) -> Query:
    """Return the query on a field of several columns, which are compared together."""
    if node.operator not in {"eq", "ne"}:
        raise TypeError(f"{node.operator!r} cannot compare {spec.name!r}, which is stored in several columns")
    encoders = [make_encoder(column) or _unchanged for column in spec.columns]

    def equal(values: Iterator[Any]) -> dict[str, Any]:
        parts = zip(keys, encoders, spec.parts_of(next(values)), strict=True)
        return {key: {"$eq": encode(part)} for key, encode, part in parts}

    return equal if node.operator == "eq" else lambda values: {"$nor": [equal(values)]}


def _single(node: Comparison, spec: FieldSpec, key: str, convert: Convert) -> Query:
    encode = _part_encoder(spec, convert)
    if node.operator in {"in", "not_in"}:
        operator, size = _OPERATORS[node.operator], node.value.size
        return lambda values: {key: {operator: [encode(next(values)) for _ in range(size)]}}
    if node.operator == "between":
        return lambda values: {key: {"$gte": encode(next(values)), "$lte": encode(next(values))}}
    if node.operator == "has":
        return lambda values: {key: {"$elemMatch": {"$eq": _scalar(next(values))}}}
    if node.operator in _PATTERNS:
        pattern = _PATTERNS[node.operator]
        return lambda values: {key: {"$regex": pattern(next(values)), "$options": "s"}}
    operator = _OPERATORS[node.operator]
    return lambda values: {key: {operator: encode(next(values))}}


def _part_encoder(spec: FieldSpec, convert: Convert) -> Convert:
    field_type = spec.field_type
    if field_type is None:
        return lambda value: convert(_scalar(value))
    return lambda value: convert(field_type.to_parts(value)[0])


def _scalar(value: Any) -> Any:
    """Return the value. Raises TypeError for a container, in which the server would look for operators."""
    if isinstance(value, (Mapping, list, tuple, set)):
        raise TypeError(f"expected a scalar to compare with, got {type(value).__name__}")
    return value


def _unchanged(value: Any) -> Any:
    return value


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _like(pattern: str, literal: Callable[[str], str] = _literal) -> str:
    """Return the expression of a `like` pattern; each of its parts takes its first match and gives nothing back.

    Parts have fixed lengths, so the first match is enough, and a search costs no more than its text times its pattern.
    """
    parts = [""]
    for escaped, any_run, any_one, text in _TOKEN.findall(pattern):
        if any_run:
            parts.append("")
        else:
            parts[-1] += "." if any_one else literal(escaped or text)
    first, *others = parts
    if not others:
        return f"\\A{first}\\z"
    *middle, last = others
    runs = "".join(f"(?>.*?{part})" for part in middle if part)
    return f"\\A{first}{runs}.*{last}\\z"


def _either_case(character: str) -> str:
    """Return the expression of a character; of an ASCII letter, in either case."""
    folded = fold_ascii(character)
    return f"[{folded}{folded.upper()}]" if folded.isascii() and folded.isalpha() else _literal(character)


_PATTERNS: Final[Mapping[str, Callable[[str], str]]] = {
    "like": _like,
    "ilike": lambda pattern: _like(pattern, _either_case),
    "contains": _literal,
    "starts_with": lambda text: f"\\A{_literal(text)}",
}
