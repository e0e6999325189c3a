"""Retries of a whole unit of work after a transient conflict in the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from framework_m_core.domain.errors import TransientError

__all__ = ["ATTEMPTS", "retry"]

ATTEMPTS = 4
"""The first try and three more."""

_FIRST_PAUSE = 0.01


async def retry[T](attempt: Callable[[], Awaitable[T]], *errors: type[Exception], attempts: int = ATTEMPTS) -> T:
    """Run an attempt, retrying after TransientError (or the errors named) with growing random pauses.

    An error that is not `retryable` is raised: every attempt would wait as long again.
    """
    worth_it = errors or (TransientError,)
    for number in range(attempts - 1):
        try:
            return await attempt()
        except worth_it as error:
            if isinstance(error, TransientError) and not error.retryable:
                raise
            await asyncio.sleep(_FIRST_PAUSE * 2**number * (0.5 + random.random()))  # noqa: S311 - jitter, no secret
    return await attempt()
