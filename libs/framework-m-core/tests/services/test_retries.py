"""Trying again: which errors are worth it, how often, and what comes out when it does not help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from framework_m_core.domain.errors import DatabaseError, TransientError, VersionConflictError
from framework_m_core.services.runtime.retry import ATTEMPTS, retry


def _failing(*errors: Exception) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    """An attempt that raises these errors, one each time, and then answers; and the list of its runs."""
    waiting = list(errors)
    runs: list[int] = []

    async def attempt() -> str:
        runs.append(len(runs))
        if waiting:
            raise waiting.pop(0)
        return "done"

    return attempt, runs


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that are noted and not waited for."""
    found: list[float] = []

    async def pause(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pause)
    return found


async def test_what_succeeds_is_done_once(pauses: list[float]) -> None:
    attempt, runs = _failing()
    assert (await retry(attempt), len(runs), pauses) == ("done", 1, [])


async def test_a_transient_conflict_is_tried_again() -> None:
    attempt, runs = _failing(*[TransientError("busy")] * (ATTEMPTS - 1))
    assert (await retry(attempt), len(runs)) == ("done", ATTEMPTS)


async def test_a_conflict_that_does_not_end_is_given_up_with_the_last_error() -> None:
    errors = [TransientError(str(number)) for number in range(ATTEMPTS + 1)]
    attempt, runs = _failing(*errors)
    with pytest.raises(TransientError) as raised:
        await retry(attempt)
    assert (raised.value, len(runs)) == (errors[ATTEMPTS - 1], ATTEMPTS)


async def test_where_others_are_faster_time_bounds_the_attempts(pauses: list[float]) -> None:
    attempt, runs = _failing(*[TransientError("busy", contended=True)] * 30)
    assert (await retry(attempt), len(runs)) == ("done", 31)
    assert max(pauses) < 0.25
    attempt, runs = _failing(*[TransientError("busy", contended=True)] * 30)
    with pytest.raises(TransientError):
        await retry(attempt, contention_timeout=0)
    assert len(runs) == 1


@pytest.mark.parametrize("error", [DatabaseError("x"), VersionConflictError("x"), ValueError("x")])
async def test_other_errors_are_not_tried_again(error: Exception) -> None:
    attempt, runs = _failing(error)
    with pytest.raises(type(error)):
        await retry(attempt)
    assert len(runs) == 1


async def test_the_errors_and_the_number_of_attempts_may_be_named() -> None:
    attempt, runs = _failing(VersionConflictError("x"), TransientError("busy"))
    assert (await retry(attempt, VersionConflictError, TransientError, attempts=3), len(runs)) == ("done", 3)
    attempt, runs = _failing(TransientError("busy"))
    with pytest.raises(TransientError):
        await retry(attempt, VersionConflictError)
    assert len(runs) == 1


async def test_pauses_grow_and_differ(pauses: list[float]) -> None:
    for _ in range(20):
        await retry(_failing(*[TransientError("busy")] * 3)[0])
    first, second, third = pauses[0::3], pauses[1::3], pauses[2::3]
    assert max(first) <= 0.015 and min(second) >= 0.01 and max(second) <= 0.03 and min(third) >= 0.02
    assert len(set(pauses)) > 3
