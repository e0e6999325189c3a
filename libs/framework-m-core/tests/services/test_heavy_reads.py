"""Places for heavy reads: how many run at once, whose turn it is, and who is refused with what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from framework_m_core.domain.errors import RateLimitError, TransientError
from framework_m_core.services.queries.heavy_reads import HeavyReads


class Reads:
    """Reads in places that each end when the test says so, in the order in which they began."""

    def __init__(self, heavy_reads: HeavyReads) -> None:
        self.heavy_reads = heavy_reads
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, *names: str) -> None:
        """Start reads named `<caller><number>`."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._run(name))
        await complete_draft()

    async def end(self, *names: str) -> None:
        """Let reads end."""
        for name in names:
            self._ends[name].set()
        await complete_draft()

    def task(self, name: str) -> asyncio.Task[None]:
        """The task of a read."""
        return self._tasks[name]

    async def _run(self, name: str) -> None:
        async with self.heavy_reads.place(name[0]):
            self.begun.append(name)
            await self._ends[name].wait()


async def complete_draft() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def make() -> Callable[[int, float], Reads]:
    return lambda capacity, wait: Reads(HeavyReads(capacity, wait))


async def test_one_caller_has_half_and_others_go_ahead(make: Callable[..., Reads]) -> None:
    reads = make(4, 60)
    await reads.start("a1", "a2", "a3", "b1", "b2", "b3")
    assert reads.begun == ["a1", "a2", "b1", "b2"]
    await reads.start("c1")
    await reads.end("b1")
    assert reads.begun[4:] == ["b3"], "who has waited longest and is within a share"
    await reads.end("b2")
    assert reads.begun[5:] == ["c1"], "a has its share already"
    await reads.end("a1")
    assert reads.begun[6:] == ["a3"]


@pytest.mark.parametrize("capacity", [1, 2, 3])
async def test_a_small_lane_has_a_place_for_everybody(make: Callable[..., Reads], capacity: int) -> None:
    reads = make(capacity, 60)
    await reads.start("a1", "a2")
    assert reads.begun == ["a1"]
    await reads.end("a1")
    assert reads.begun == ["a1", "a2"]


async def test_who_is_refused_is_told_why(make: Callable[..., Reads]) -> None:
    reads = make(4, 0)
    await reads.start("a1", "a2", "a3", "b1", "b2", "c1")
    await asyncio.wait([reads.task("a3"), reads.task("c1")])
    over, full = reads.task("a3").exception(), reads.task("c1").exception()
    assert isinstance(over, RateLimitError)
    assert (over.retry_after, "at most 2 " in over.message) == (2, True)
    assert isinstance(full, TransientError)
    assert reads.begun == ["a1", "a2", "b1", "b2"]


async def test_few_wait(make: Callable[..., Reads]) -> None:
    reads = make(2, 60)
    await reads.start(*(f"a{number}" for number in range(30)))
    refused = [number for number in range(30) if reads.task(f"a{number}").done()]
    assert refused == list(range(9, 30))
    assert all(isinstance(reads.task(f"a{number}").exception(), RateLimitError) for number in refused)
    await reads.start("b1")
    assert reads.begun == ["a0", "b1"]


@pytest.mark.parametrize("how", ["waiting", "running", "handed over"])
async def test_who_goes_leaves_the_place(make: Callable[..., Reads], how: str) -> None:
    reads = make(1, 60)
    await reads.start("a1", "b1", "c1")
    gone = {"waiting": "b1", "running": "a1", "handed over": "b1"}[how]
    if how == "handed over":
        reads.task("a1").cancel()
        await asyncio.sleep(0)
    reads.task(gone).cancel()
    await complete_draft()
    if how == "waiting":
        await reads.end("a1")
    await reads.end("b1")
    await reads.end("c1")
    assert reads.begun[-1] == "c1"
    await reads.start("d1")
    assert reads.begun[-1] == "d1"


async def test_an_error_leaves_the_place() -> None:
    heavy_reads = HeavyReads(1, 0)

    async def fails() -> None:
        async with heavy_reads.place("a"):
            raise ValueError("no")

    attempts: list[Callable[[], Awaitable[None]]] = [fails, fails]
    for attempt in attempts:
        with pytest.raises(ValueError, match="no"):
            await attempt()
