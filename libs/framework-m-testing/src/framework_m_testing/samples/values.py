"""Values in JSON that keep the constraints of a pydantic schema, likely ones first."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, Phase, find, settings, strategies
from hypothesis.errors import HypothesisException
from pydantic_core import to_jsonable_python

__all__ = ["Schema", "find_leaf", "list_values"]

type Schema = Mapping[str, Any]
"""A core schema of pydantic."""

_FIRST_DAY: Final = date(2036, 1, 31)
_PRINTABLE: Final = strategies.characters(min_codepoint=32, max_codepoint=126)
_UNWANTED_CHECKS: Final = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.nested_given)
_SEARCH: Final = settings(
    phases=(Phase.generate,), database=None, max_examples=400, deadline=None, suppress_health_check=_UNWANTED_CHECKS
)
_MAX_MATCHES: Final = 100
"""How many texts of a pattern are looked for."""


def find_leaf(schema: Schema) -> Schema:
    """Return the schema of the value itself, inside defaults, nullability and functions."""
    while "schema" in schema and schema["type"] != "definitions":
        schema = schema["schema"]
    return schema


def list_values(schema: Schema, name: str, number: int, scale: int | None = None) -> list[Any]:
    """Return values for a field of this name; other numbers give others, as far as the constraints leave any."""
    leaf = find_leaf(schema)
    make = _MAKERS.get(leaf["type"])
    return [] if make is None else [*make(leaf, name, number, scale)]


def _texts(leaf: Schema, name: str, number: int, _: int | None) -> Iterator[str]:
    addresses = (f"sample{number}@example.com", f"https://example.com/{number}")
    likely = (f"{name} {number}", *addresses) if "email" not in name else (*addresses, f"{name} {number}")
    min_length, max_length = leaf.get("min_length", 0), leaf.get("max_length")
    for text in (
        *likely,
        f"S{number}",
        f"{number:0{max(min_length, 1)}d}",
        (_FIRST_DAY + timedelta(number)).isoformat(),
    ):
        yield _fit(text, str(number), min_length, max_length)
    if leaf.get("pattern"):
        matches = _matches(leaf["pattern"], min_length, max_length)
        yield from (matches[(number - 1 + place) % len(matches)] for place in range(len(matches)))


def _fit(text: str, number: str, min_length: int, max_length: int | None) -> str:
    """Return a text of a length within the bounds, which still ends with its number."""
    if max_length is not None and len(text) > max_length:
        text = (text[: max(0, max_length - len(number))] + number)[-max_length:] if max_length else ""
    return "x" * (min_length - len(text)) + text


@cache
def _matches(pattern: str | re.Pattern[str], min_length: int, max_length: int | None) -> tuple[str, ...]:
    """Return texts that a pattern matches, the same in each run."""
    seen = dict[str, None]()

    def is_enough(text: str) -> bool:
        # Python lets `$` match before a line break, pydantic does not.
        if min_length <= len(text) and (max_length is None or len(text) <= max_length) and text.isprintable():
            seen[text] = None
        return len(seen) == _MAX_MATCHES

    with suppress(HypothesisException, re.error):  # what was seen until then is all there is
        texts = strategies.from_regex(pattern, alphabet=_PRINTABLE)
        find(texts, is_enough, settings=_SEARCH, random=Random(0))  # noqa: S311
    return tuple(seen)


def _numbers(leaf: Schema, number: int, finest: Decimal) -> Iterator[Decimal]:
    """Yield the number itself, then as many of the finest steps, then usual ones, then some within the bounds."""
    step = _exact(leaf.get("multiple_of")) or Decimal(1)
    yield Decimal(number)
    yield finest * number
    yield from map(Decimal, (1, 0, 10, 100, 2026))
    for width in (step, finest):
        low, high = _bound(leaf, "ge", "gt", width), _bound(leaf, "le", "lt", -width)
        if low is not None:
            first = -(-low // width) * width
            count = None if high is None else int((high - first) // width) + 1
            yield first + width * ((number - 1) % count if count and count > 0 else number - 1)
            yield first
        elif high is not None:
            yield high // width * width - width * (number - 1)
    yield step * number


def _bound(leaf: Schema, inclusive: str, exclusive: str, beyond: Decimal) -> Decimal | None:
    if exclusive in leaf:
        return _exact(leaf[exclusive]) + beyond
    return _exact(leaf[inclusive]) if inclusive in leaf else None


def _exact(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def _integers(leaf: Schema, _: str, number: int, __: int | None) -> Iterator[int]:
    return map(int, _numbers(leaf, number, _exact(leaf.get("multiple_of")) or Decimal(1)))


def _floats(leaf: Schema, _: str, number: int, __: int | None) -> Iterator[float]:
    return map(float, _numbers(leaf, number, _exact(leaf.get("multiple_of")) or Decimal("0.001")))


def _decimals(leaf: Schema, _: str, number: int, scale: int | None) -> Iterator[str]:
    finest = _exact(leaf.get("multiple_of")) or Decimal(1).scaleb(-(scale or 0))
    return (f"{value:f}" for value in _numbers(leaf, number, finest))


def _days(leaf: Schema, _: str, number: int, __: int | None) -> Iterator[str]:
    for start in _starts(leaf, _FIRST_DAY):
        for days in (number, -number, 0):
            yield (start + timedelta(days)).isoformat()


def _datetimes(leaf: Schema, _: str, number: int, __: int | None) -> Iterator[str]:
    for start in _starts(leaf, datetime.combine(_FIRST_DAY, time(12, tzinfo=UTC))):
        middle = start if start.tzinfo else start.replace(tzinfo=UTC)
        for apart in (timedelta(microseconds=number), timedelta(days=-number), timedelta(microseconds=-number)):
            yield (middle + apart).isoformat()
        yield middle.isoformat()


def _starts[D: date](leaf: Schema, usual: D) -> Iterator[D]:
    """Yield the first of the values that dates are counted from, in the future as most rules require."""
    yield usual
    yield from (leaf[bound] for bound in ("ge", "gt", "le", "lt") if bound in leaf)


def _bytes(leaf: Schema, _: str, number: int, __: int | None) -> Iterator[str]:
    text = _fit(str(number), str(number), leaf.get("min_length", 0), leaf.get("max_length"))
    yield base64.b64encode(text.encode()).decode()


def _lists(leaf: Schema, name: str, number: int, _: int | None) -> Iterator[list[Any]]:
    items = leaf.get("items_schema", {"type": "any"})
    columns = [list_values(items, name, number + place) for place in range(leaf.get("min_length", 0))]
    if all(columns):
        yield from ([values[min(which, len(values) - 1)] for values in columns] for which in range(8))


def _objects(leaf: Schema, name: str, number: int, _: int | None) -> Iterator[Any]:
    values = list_values(leaf.get("values_schema", {"type": "any"}), name, number)
    wanted = max(1, leaf.get("min_length", 0))
    for value in values:
        yield {f"{name}{place or ''}": value for place in range(wanted)}
    yield {}


def _choices(leaf: Schema, _: str, number: int, __: int | None) -> Iterable[Any]:
    members = [to_jsonable_python(one) for one in leaf.get("expected") or leaf["members"]]
    return (members[(number - 1 + place) % len(members)] for place in range(len(members)))


_MAKERS: Final[Mapping[str, Callable[[Schema, str, int, int | None], Iterable[Any]]]] = {
    "str": _texts,
    "int": _integers,
    "float": _floats,
    "decimal": _decimals,
    "bool": lambda *_: (False, True),
    "date": _days,
    "datetime": _datetimes,
    "uuid": lambda _, __, number, ___: (str(UUID(int=number)),),
    "bytes": _bytes,
    "list": _lists,
    "dict": _objects,
    "any": lambda _, __, number, ___: ({"number": number}, number, "text"),
    "literal": _choices,
    "enum": _choices,
}
