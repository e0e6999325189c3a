"""Cancelling a coroutine at a chosen one of its await points, as a closed connection or a timeout would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any, Literal

type Moment = Literal["waiting", "answered"]


class CancelledAt:
    """Runs an awaitable and cancels it at its nth await point.

    `waiting`: as it begins to wait. `answered`: when what it waits for is there, before it goes on with it.
    """

    def __init__(self, work: Awaitable[Any], number: int, moment: Moment) -> None:
        self._work = work
        self._number = number
        self._moment = moment
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps, seen = self._work.__await__(), 0
        sent: Any = None
        raised: BaseException | None = None
        while True:
            try:
                waits_for = steps.send(sent) if raised is None else steps.throw(raised)
            except StopIteration as stop:
                return stop.value
            seen += 1
            if seen == self._number:
                self.reached = True
                self._cancel(waits_for)
            sent = raised = None
            try:
                sent = yield waits_for
            except BaseException as error:
                raised = error

    def _cancel(self, waits_for: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._moment == "answered" and isinstance(waits_for, asyncio.Future) and not waits_for.done():
            waits_for.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()


async def cancelled_at(work: Awaitable[Any], number: int, moment: Moment) -> tuple[bool, object]:
    """Whether the await point was reached, and what came of the work: its result, or the error that ended it."""
    probe = CancelledAt(work, number, moment)

    async def run() -> Any:
        return await probe

    outcome: object
    (outcome,) = await asyncio.gather(asyncio.create_task(run()), return_exceptions=True)
    return probe.reached, outcome
