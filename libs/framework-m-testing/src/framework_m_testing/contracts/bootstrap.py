"""The contract of `BootstrapProtocol`."""

from __future__ import annotations

import asyncio
from inspect import iscoroutinefunction
from typing import Any

from framework_m_core.bootstrap.application import Application
from framework_m_core.interfaces.bootstrap import BootstrapProtocol
from framework_m_testing.contracts.contract import Contract

__all__ = ["BootstrapContract"]


class BootstrapContract(Contract):
    """The contract of `BootstrapProtocol`.

    Provide fixtures: `step`, a step that has not run; `app`, an `Application` in which all earlier steps have run.
    """

    async def test_it_has_a_place_and_is_built_without_arguments(self, step: BootstrapProtocol) -> None:
        """The order is known before the step runs, and is the same for all instances."""
        another: BootstrapProtocol = type(step)()
        assert type(step.order) is int
        assert another.order == step.order

    async def test_what_it_does_can_be_awaited(self, step: BootstrapProtocol) -> None:
        """`run` is async, as are `close` and `ping` where the step has them."""
        assert iscoroutinefunction(step.run)
        parts = [part for name in ("close", "ping") if (part := getattr(step, name, None)) is not None]
        assert all(iscoroutinefunction(part) for part in parts)

    async def test_it_runs_and_is_well_until_it_is_closed(self, step: BootstrapProtocol, app: Application) -> None:
        """A step runs, passes its ping and closes; closing it again does nothing."""
        try:
            await step.run(app)
            await _ping(step)
        finally:
            await _close(step)
        await _close(step)

    async def test_one_that_has_not_run_is_closed_like_others(self, step: BootstrapProtocol) -> None:
        """A step that has not run can be pinged and closed, since it has opened nothing."""
        await _ping(step)
        await _close(step)

    async def test_one_whose_run_failed_is_closed_like_others(self, step: BootstrapProtocol) -> None:
        """A step whose run failed can be closed, as the aborted start closes it."""
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
