"""Caches by query template, bounded by total weight, since callers can make any number of templates."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from framework_m_core.domain.filters.parameterize import Placeholder
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry

__all__ = ["ShapeCache", "shape_caches", "weight_of"]

_MOST_WEIGHT: Final = 50_000
"""Total weight of the cached templates; a unit takes about half a kilobyte once compiled."""

_MOST_OF_ONE: Final = 600
"""A template above this weight is not cached, but compiled each time."""


@dataclass(frozen=True, slots=True)
class _Kept[T]:
    made: T
    weight: int


class ShapeCache[T]:
    """A least-recently-used cache of what `make` returns for a query template."""

    def __init__(self, make: Callable[[QueryTemplate], T], most_weight: int = _MOST_WEIGHT) -> None:
        self._make = make
        self._most = most_weight
        self._kept: OrderedDict[QueryTemplate, _Kept[T]] = OrderedDict()
        self.weight = 0

    def __call__(self, shape: QueryTemplate) -> T:
        """Return the result for a template, cached or new."""
        known = self._kept.get(shape)
        if known is not None:
            self._kept.move_to_end(shape)
            return known.made
        made, weight = self._make(shape), weight_of(shape)
        if weight <= _MOST_OF_ONE:
            self._keep(shape, _Kept(made, weight))
        return made

    def _keep(self, shape: QueryTemplate, kept: _Kept[T]) -> None:
        self._kept[shape] = kept
        self.weight += kept.weight
        while self.weight > self._most:
            _, oldest = self._kept.popitem(last=False)
            self.weight -= oldest.weight


def shape_caches[T](make: Callable[[QueryTemplate], T]) -> Derived[Registry, ShapeCache[T]]:
    """Return caches of `make`, one per registry."""
    return Derived(lambda _: ShapeCache(make))


def weight_of(shape: QueryTemplate) -> int:
    """Return the weight of a template: its fields, sort fields, filter nodes and parameters, plus a constant."""
    fields = sum(1 if isinstance(part, str) else _weight_of_rows(part) for part in shape.fields)
    return 10 + fields + len(shape.order_by) + _weight(shape.where)


def _weight_of_rows(part: ChildSelection) -> int:
    return 1 + len(part.columns)


def _weight(tree: Filter) -> int:
    match tree:
        case And(parts) | Or(parts):
            return 1 + sum(map(_weight, parts))
        case Not(part):
            return 1 + _weight(part)
        case Comparison(_, _, Placeholder(size)):
            return 1 + size
    return 2
