"""Runs of a strategy for a stated time: a few seconds in a suite, `FUZZ_SECONDS` in CI and by `make fuzz`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis.strategies import SearchStrategy

__all__ = ["FIRST_SEED", "SECONDS", "fuzz"]

SECONDS: Final = float(os.environ.get("FUZZ_SECONDS", "0"))
"""How long each fuzzer runs; by default one small batch, the same each time."""

FIRST_SEED: Final = int(os.environ.get("FUZZ_SEED", "0" if SECONDS == 0 else str(time.time_ns() % 10**9)))
_BATCH: Final = 20


type Check = Callable[[Any], Coroutine[Any, Any, None]]
type Run = Callable[[Coroutine[Any, Any, None]], None]


def fuzz(
    strategy: SearchStrategy[Any], check: Check, *, batch: int, seconds: float = SECONDS, run: Run = asyncio.run
) -> None:
    """Await `check` for values of a strategy: `batch` of the first seed, or batches of further seeds until the time.

    A failure shows the smallest value found and how to repeat it.
    """
    ends, number = time.monotonic() + seconds, FIRST_SEED
    while number == FIRST_SEED or time.monotonic() < ends:
        _run_batch(strategy, lambda value: run(check(value)), number, _BATCH if SECONDS else batch)
        number += 1


def _run_batch(strategy: SearchStrategy[Any], check: Callable[[Any], None], number: int, examples: int) -> None:
    @seed(number)
    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=[*HealthCheck])
    @given(strategy)
    def check_one(value: Any) -> None:
        note(f"failed with: {value!r}")
        note(f"repeat: make fuzz FUZZ_SEED={number} FUZZ_SECONDS=1")
        check(value)

    check_one()
