"""Random choices by index, because hypothesis is slow to sample from sequences it has not seen before."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

__all__ = ["pick", "pick_some", "seldom"]


def pick[T](draw: DrawFn, items: Sequence[T]) -> T:
    """Draw one of the items."""
    return items[draw(st.integers(0, len(items) - 1))]


def pick_some[T](draw: DrawFn, items: Sequence[T], maximum: int) -> list[T]:
    """Draw up to `maximum` of the items, in any order, without repetition."""
    rest = [*items]
    return [rest.pop(draw(st.integers(0, len(rest) - 1))) for _ in range(draw(st.integers(0, min(maximum, len(rest)))))]


def seldom(draw: DrawFn, one_in: int) -> bool:
    """Draw True about once in `one_in` times."""
    return draw(st.integers(1, one_in)) == one_in
