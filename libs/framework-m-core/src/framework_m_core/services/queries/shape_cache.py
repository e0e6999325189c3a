"""What has been compiled for the shapes of reads, bounded by their size: callers can make any number of shapes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, Placeholder
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry

__all__ = ["ShapeCache", "shape_caches", "weight_of"]

_MOST_WEIGHT: Final = 50_000
"""Of all kept shapes; a unit of weight takes about half a kilobyte once it is compiled."""

_MOST_OF_ONE: Final = 600
"""A shape past this weight is compiled anew each time."""


@dataclass(frozen=True, slots=True)
class _Kept[T]:
    made: T
    weight: int


class ShapeCache[T]:
    """Makes something of a shape once, for as long as the shape is among the latest used."""

    def __init__(self, make: Callable[[QueryTemplate], T], most_weight: int = _MOST_WEIGHT) -> None:
        self._make = make
        self._most = most_weight
        self._kept: OrderedDict[QueryTemplate, _Kept[T]] = OrderedDict()
        self.weight = 0

    def __call__(self, shape: QueryTemplate) -> T:
        """Return what is made of a shape."""
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
    """Return a cache for each registry."""
    return Derived(lambda _: ShapeCache(make))


def weight_of(shape: QueryTemplate) -> int:
    """Count what a shape is made of: fields, nodes of its filter and parameters."""
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
