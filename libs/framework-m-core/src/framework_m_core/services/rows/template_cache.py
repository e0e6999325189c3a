"""Caches by query template, bounded by total weight, since callers can make any number of templates."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.filters.parameterize import Placeholder
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived

__all__ = ["TemplateCache", "derive_template_caches", "weight_of"]

_MAX_WEIGHT: Final = 50_000
"""Total weight of the cached templates; a unit takes about half a kilobyte once compiled."""

_MAX_ENTRY_WEIGHT: Final = 600
"""A template above this weight is not cached, but compiled each time."""


@dataclass(frozen=True, slots=True)
class _Kept[T]:
    made: T
    weight: int


class TemplateCache[T]:
    """A least-recently-used cache of what `make` returns for a query template."""

    def __init__(self, make: Callable[[QueryTemplate[CompiledDocType]], T], max_weight: int = _MAX_WEIGHT) -> None:
        self._make = make
        self._maximum = max_weight
        self._kept: OrderedDict[QueryTemplate[CompiledDocType], _Kept[T]] = OrderedDict()
        self.weight = 0

    def __call__(self, template: QueryTemplate[CompiledDocType]) -> T:
        """Return the result for a template, cached or new."""
        known = self._kept.get(template)
        if known is not None:
            self._kept.move_to_end(template)
            return known.made
        made, weight = self._make(template), weight_of(template)
        if weight <= _MAX_ENTRY_WEIGHT:
            self._keep(template, _Kept(made, weight))
        return made

    def _keep(self, template: QueryTemplate[CompiledDocType], kept: _Kept[T]) -> None:
        self._kept[template] = kept
        self.weight += kept.weight
        while self.weight > self._maximum:
            _, oldest = self._kept.popitem(last=False)
            self.weight -= oldest.weight


def derive_template_caches[T](
    make: Callable[[QueryTemplate[CompiledDocType]], T],
) -> Derived[RegistryView, TemplateCache[T]]:
    """Return caches of `make`, one per registry."""
    return Derived(lambda _: TemplateCache(make))


def weight_of(template: QueryTemplate[CompiledDocType]) -> int:
    """Return the weight of a template: its fields, sort fields, filter nodes and parameters, plus a constant."""
    fields = sum(1 if isinstance(part, str) else _weight_of_rows(part) for part in template.fields)
    return 10 + fields + len(template.order_by) + _weight(template.where)


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
