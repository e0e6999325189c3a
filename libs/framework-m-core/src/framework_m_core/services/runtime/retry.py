"""Retries of a whole unit of work after a conflict in the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

from framework_m_core.domain.errors import TransientError, VersionConflictError

__all__ = ["ATTEMPTS", "CONFLICTS", "retry"]

ATTEMPTS = 4
"""The first try and three more."""

CONFLICTS: Final = (TransientError, VersionConflictError)
"""What a write that states no version is retried after."""

_CONTENTION_TIMEOUT: Final = 5.0
"""Seconds for which a unit is tried again on a store without blocking locks, while others are faster."""

_FIRST_PAUSE, _MAX_PAUSE = 0.01, 0.16


async def retry[T](
    attempt: Callable[[], Awaitable[T]],
    *errors: type[Exception],
    attempts: int = ATTEMPTS,
    contention_timeout: float = _CONTENTION_TIMEOUT,
) -> T:
    """Run an attempt, retrying after TransientError (or the errors named) with growing random pauses.

    An error that is not `retryable` is raised: every attempt would wait as long again. Where others were faster, time
    bounds the attempts, not their number.
    """
    worth_it = errors or (TransientError,)
    clock = asyncio.get_running_loop().time
    until = clock() + contention_timeout
    for number in count():
        try:
            return await attempt()
        except worth_it as error:
            if isinstance(error, TransientError) and not error.retryable:
                raise
            contended = isinstance(error, TransientError) and error.contended
            if clock() >= until if contended else number + 1 >= attempts:
                raise
        pause = min(_FIRST_PAUSE * 2 ** min(number, 10), _MAX_PAUSE)
        await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter, no secret
    raise AssertionError("unreachable")
