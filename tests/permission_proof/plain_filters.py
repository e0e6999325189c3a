"""A second, plain implementation of filters, independent of the product's own evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.permission_proof.declared import CallerValue, DeclaredDocType, Tree, Who

__all__ = ["Wrong", "holds", "lacks", "names", "parse_value", "values_of"]


class Wrong(Exception):  # noqa: N818 - an invalid request, not a test failure
    """A value, a name or a shape that the request must not have."""


def parse_value(kind: str, raw: Any) -> Any:
    """Convert a JSON value to the stored value. Raises Wrong."""
    if raw is None:
        return None
    wanted = {"integer": int, "boolean": bool}.get(kind, str)
    if type(raw) is not wanted:
        raise Wrong(f"{raw!r} is no {kind}")
    try:
        return _READ[kind](raw)
    except (ValueError, ArithmeticError) as error:
        raise Wrong(str(error)) from None


_READ: dict[str, Any] = {
    "text": str,
    "integer": int,
    "boolean": bool,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "moment": datetime.fromisoformat,
    "link": UUID,
}


def names(tree: Tree) -> set[str]:
    """Return all fields that a filter names."""
    if "field" in tree:
        return {tree["field"]}
    ((_, parts),) = tree.items()
    return set().union(*(names(part) for part in ([parts] if isinstance(parts, Mapping) else parts)))


def holds(tree: Tree, declared: DeclaredDocType, document: Mapping[str, Any], who: Who) -> bool:
    """Return whether a document matches a filter, whose values are stored values or the caller's."""
    if "and" in tree:
        return all(holds(part, declared, document, who) for part in tree["and"])
    if "or" in tree:
        return any(holds(part, declared, document, who) for part in tree["or"])
    if "not" in tree:
        return not holds(tree["not"], declared, document, who)
    stored, operator, value = document[tree["field"]], tree["operator"], tree["value"]
    if isinstance(value, CallerValue):
        known = values_of(who, value.name, declared.kind(tree["field"])) or []
        if operator in _ONE_VALUE:
            return _compares(stored, operator, known[0])
        is_one = stored is not None and stored in known
        return is_one if operator in {"eq", "in"} else not is_one
    return _compares(stored, operator, value)


_ONE_VALUE = frozenset({"lt", "lte", "gt", "gte", "contains", "starts_with"})


def lacks(tree: Tree, declared: DeclaredDocType, who: Who) -> bool:
    """Return whether any comparison needs a caller's value that is missing or does not fit its field or operator."""
    if "field" not in tree:
        ((_, parts),) = tree.items()
        return any(lacks(part, declared, who) for part in ([parts] if isinstance(parts, Mapping) else parts))
    if not isinstance(tree["value"], CallerValue):
        return False
    known = values_of(who, tree["value"].name, declared.kind(tree["field"]))
    return not known or (tree["operator"] in _ONE_VALUE and len(known) > 1)


def values_of(who: Who, name: str, kind: str) -> list[Any] | None:
    """Return a caller's values converted to a field's kind, or None if any of them cannot be converted."""
    if name in {"id", "email"}:
        texts = [getattr(who, name)] if getattr(who, name) else []
    else:
        texts = list(who.attributes.get(name, ()))
    read = {"text": str, "integer": int, "link": UUID}[kind]
    try:
        return [read(text) for text in texts]
    except ValueError:
        return None


def _compares(stored: Any, operator: str, value: Any) -> bool:
    if operator == "is_null":
        return (stored is None) is value
    if operator in {"ne", "not_in"}:
        return not _compares(stored, {"ne": "eq", "not_in": "in"}[operator], value)
    if stored is None:
        return False
    return _searches(stored, operator, value) if isinstance(value, str) else _ranges(stored, operator, value)


def _searches(stored: str, operator: str, value: str) -> bool:
    match operator:
        case "contains":
            return value in stored
        case "starts_with":
            return stored[: len(value)] == value
        case "like":
            return _like(stored, value)
        case "ilike":
            return _like(_folded(stored), _folded(value))
    return _ordered(stored, operator, value)


def _ranges(stored: Any, operator: str, value: Any) -> bool:
    if operator == "in":
        return stored in list(value)
    if operator == "between":
        return bool(value[0] <= stored <= value[1])
    return _ordered(stored, operator, value)


def _ordered(stored: Any, operator: str, value: Any) -> bool:
    if stored == value:
        return operator in {"eq", "lte", "gte"}
    return operator != "eq" and bool(stored < value) is (operator in {"lt", "lte"})


def _folded(text: str) -> str:
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    if not text:
        return False
    if pattern[0] == "\\":
        return text[0] == pattern[1] and _like(text[1:], pattern[2:])
    return pattern[0] in {"_", text[0]} and _like(text[1:], pattern[1:])
