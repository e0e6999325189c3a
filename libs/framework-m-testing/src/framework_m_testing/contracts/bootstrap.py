"""What every `BootstrapProtocol` must do."""

from __future__ import annotations

import asyncio
from inspect import iscoroutinefunction
from typing import Any

from framework_m_core.bootstrap.application import Application
from framework_m_core.interfaces.bootstrap import BootstrapProtocol
from framework_m_testing.contracts.contract import Contract

__all__ = ["BootstrapContract"]


class BootstrapContract(Contract):
    """Give it fixtures: `step`, built and not yet run; `app`, an `Application` in which all before it have run."""

    async def test_it_has_a_place_and_is_built_without_arguments(self, step: BootstrapProtocol) -> None:
        """Which is known before it runs, and the same for each that is built."""
        another: BootstrapProtocol = type(step)()
        assert type(step.order) is int
        assert another.order == step.order

    async def test_what_it_does_can_be_awaited(self, step: BootstrapProtocol) -> None:
        """Closing and pinging too, where it has them."""
        assert iscoroutinefunction(step.run)
        parts = [part for name in ("close", "ping") if (part := getattr(step, name, None)) is not None]
        assert all(iscoroutinefunction(part) for part in parts)

    async def test_it_runs_and_is_well_until_it_is_closed(self, step: BootstrapProtocol, app: Application) -> None:
        """Closing it again does nothing."""
        try:
            await step.run(app)
            await _ping(step)
        finally:
            await _close(step)
        await _close(step)

    async def test_one_that_has_not_run_is_closed_like_others(self, step: BootstrapProtocol) -> None:
        """And has opened nothing that could be unwell."""
        await _ping(step)
        await _close(step)

    async def test_one_whose_run_failed_is_closed_like_others(self, step: BootstrapProtocol) -> None:
        """As the start that it stops does."""
        nothing: Any = object()
        await asyncio.gather(step.run(nothing), return_exceptions=True)
        await _close(step)


async def _ping(step: BootstrapProtocol) -> None:
    ping = getattr(step, "ping", None)
    if ping is not None:
        await ping()


async def _close(step: BootstrapProtocol) -> None:
    close = getattr(step, "close", None)
    if close is not None:
        await close()
