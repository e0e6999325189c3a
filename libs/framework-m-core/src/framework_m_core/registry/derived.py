"""`Derived`: a value computed once per registry or DocType, cached on it and discarded with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Derived", "DerivedValues"]

type DerivedValues = dict[Any, Any]
"""Values by the `Derived` that computed them."""


class _Owner(Protocol):
    @property
    def derived(self) -> DerivedValues: ...


class Derived[O: _Owner, T]:
    """A value computed for each owner on first access. A cache anywhere else would outlive its registry."""

    def __init__(self, make: Callable[[O], T]) -> None:
        self._make = make

    def of(self, owner: O) -> T:
        """Return the value for an owner, computing it on first access."""
        made: T | None = owner.derived.get(self)
        if made is None:
            made = owner.derived[self] = self._make(owner)
        return made
