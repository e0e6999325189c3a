"""Work that runs to completion even when its caller is cancelled."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Coroutine
from typing import Any

__all__ = ["run_shielded"]

_log = logging.getLogger(__name__)


async def run_shielded[T](work: Coroutine[Any, Any, T]) -> T:
    """Run work to completion and return its result; re-raise a cancellation of the caller afterwards.

    The work starts eagerly, so that work which never awaits costs no turn of the event loop.
    """
    loop = asyncio.get_running_loop()
    task: asyncio.Task[T] = asyncio.Task(work, loop=loop, eager_start=True)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        waiter: asyncio.Future[None] = loop.create_future()
        wake = functools.partial(_wake, waiter)
        task.add_done_callback(wake)
        try:
            await waiter
        except asyncio.CancelledError as error:
            task.remove_done_callback(wake)
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled() and task.exception() is not None:
        _log.warning("the work that a cancelled request waited for failed: %s", task.exception())
    raise cancelled


def _wake(waiter: asyncio.Future[None], _: object) -> None:
    if not waiter.done():
        waiter.set_result(None)
