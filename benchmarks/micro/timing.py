"""CPU time of two ways to do a thing, measured in turns."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.errors import BenchmarkError
from benchmarks.server import child_environment

__all__ = ["Compared", "Task", "compare", "compare_starts"]

type Task = Callable[[int], Awaitable[None]]
"""Does a thing so many times."""

_TURN_SECONDS = 0.05
_STARTS = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """Microseconds of CPU that one time takes, of ours and of what it is compared with."""

    key: str
    text: str
    ours: float
    reference: float

    @property
    def ratio(self) -> float:
        """How many times the reference ours takes."""
        return self.ours / self.reference


async def compare(key: str, text: str, ours: Task, reference: Task, turns: int) -> Compared:
    """Medians over the turns, which alternate; the collector rests meanwhile."""
    times = {task: await _times_for(task) for task in (ours, reference)}
    taken: dict[Task, list[float]] = {ours: [], reference: []}
    gc.collect()
    gc.disable()
    try:
        for _ in range(turns):
            for task in (ours, reference):
                taken[task].append(await _cpu_us(task, times[task]))
    finally:
        gc.enable()
    return Compared(key, text, median(taken[ours]), median(taken[reference]))


async def _times_for(task: Task) -> int:
    """How often a turn does it; finding out warms it up."""
    times = 1
    while (took := await _cpu_us(task, times) * times / 1e6) < _TURN_SECONDS:
        times *= 2 if took < _TURN_SECONDS / 4 else max(2, round(_TURN_SECONDS / took))
    return times


async def _cpu_us(task: Task, times: int) -> float:
    began = time.process_time()
    await task(times)
    return (time.process_time() - began) * 1e6 / times


def compare_starts(key: str, text: str, ours: str, reference: str, folder: Path, variables: dict[str, str]) -> Compared:
    """Two programs for the interpreter, each a process; a first start of each warms the file cache."""
    taken: dict[str, list[float]] = {ours: [], reference: []}
    for turn in range(_STARTS + 1):
        for program in (ours, reference):
            used = _started_us([sys.executable, "-c", program], folder, variables)
            if turn:
                taken[program].append(used)
    return Compared(key, text, median(taken[ours]), median(taken[reference]))


def _started_us(command: Sequence[str], folder: Path, variables: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        command, cwd=folder, env=child_environment(variables), capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6
