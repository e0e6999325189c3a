"""`FakeBootstrap`: port `BootstrapProtocol`, a step that notes what is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FakeBootstrap"]

_ORDER: Final = 45


class FakeBootstrap:
    """Stands between steps and opens nothing.

    Steps that share a `journal` show in which order they were run and closed: `a.run`, `b.run`, `b.close`. `failures`
    holds the error that `run`, `ping` or `close` raises; it may be changed while the step is in use.
    """

    def __init__(
        self,
        name: str = "fake",
        order: int = _ORDER,
        *,
        journal: list[str] | None = None,
        failures: Mapping[str, Exception] | None = None,
    ) -> None:
        self.name = name
        self.order = order
        self.journal = [] if journal is None else journal
        self.failures = dict(failures or {})

    async def run(self, app: Any) -> None:
        """Notes it."""
        self._note("run")

    async def ping(self) -> None:
        """Notes it."""
        self._note("ping")

    async def close(self) -> None:
        """Notes it."""
        self._note("close")

    def _note(self, what: str) -> None:
        self.journal.append(f"{self.name}.{what}")
        if what in self.failures:
            raise self.failures[what]
