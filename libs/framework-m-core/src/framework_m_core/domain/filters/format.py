"""Filters as readable text."""

from __future__ import annotations

from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute

__all__ = ["format_filter"]


def format_filter(tree: Filter) -> str:
    """Return a filter as text, such as `branch in ('North', 'South') and not (kind eq 'Van')`."""
    match tree:
        case And(()):
            return "everything"
        case Or(()):
            return "nothing"
        case And(parts):
            return " and ".join(_within(part) for part in parts)
        case Or(parts):
            return " or ".join(_within(part) for part in parts)
        case Not(part):
            return f"not ({format_filter(part)})"
        case Comparison(field, operator, UserAttribute(name)):
            return f"{field} {operator} the caller's {name}"
        case Comparison(field, operator, value):
            return f"{field} {operator} {_value(value)}"
    raise TypeError(f"not a filter: {tree!r}")


def _within(part: Filter) -> str:
    """Return the text of a part, in parentheses if it has parts of its own."""
    text = format_filter(part)
    return f"({text})" if isinstance(part, (And, Or)) and part.parts else text


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))})"
    return repr(value) if isinstance(value, (str, bool, int, float)) or value is None else repr(str(value))
