"""A port of a package, with its adapter, for the controllers of apps to ask for."""

from __future__ import annotations

from typing import Protocol


class Rates(Protocol):
    """What a currency is worth."""

    def worth(self, currency: str) -> int:
        """Return the worth of one unit."""
        ...


class FixedRates:
    """The same for all."""

    def worth(self, currency: str) -> int:
        """Return seven."""
        return 7
