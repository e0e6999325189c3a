"""`Derived`: what is made of a registry or a DocType once, kept on it and gone with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Derived", "DerivedValues"]

type DerivedValues = dict[Any, Any]
"""By the `Derived` that has made it."""


class _Owner(Protocol):
    @property
    def derived(self) -> DerivedValues: ...


class Derived[O: _Owner, T]:
    """Makes something of each owner when it is first asked for. A cache anywhere else would outlive its registry."""

    def __init__(self, make: Callable[[O], T]) -> None:
        self._make = make

    def of(self, owner: O) -> T:
        """Return what is made of an owner."""
        made: T | None = owner.derived.get(self)
        if made is None:
            made = owner.derived[self] = self._make(owner)
        return made
