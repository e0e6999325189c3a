"""`FakeBootstrap`: port `BootstrapProtocol`, a step that records the calls it receives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from framework_m_core.interfaces.bootstrap import ApplicationView

__all__ = ["FakeBootstrap"]

_ORDER: Final = 45


class FakeBootstrap:
    """A step that opens nothing.

    Steps that share a `journal` record the order of their calls: `a.run`, `b.run`, `b.close`. `failures` holds the
    errors that `run`, `ping` and `close` raise; it may be changed while the step is in use.
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

    async def run(self, app: ApplicationView) -> None:
        """Record the call."""
        self._note("run")

    async def ping(self) -> None:
        """Record the call."""
        self._note("ping")

    async def close(self) -> None:
        """Record the call."""
        self._note("close")

    def _note(self, what: str) -> None:
        self.journal.append(f"{self.name}.{what}")
        if what in self.failures:
            raise self.failures[what]
