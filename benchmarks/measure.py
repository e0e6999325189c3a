"""Interleaved rounds over the contenders of one store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.checks import check_answers, check_guards, check_window
from benchmarks.contender import Contender, Workplace, make_plan
from benchmarks.errors import BenchmarkError, NotRunError
from benchmarks.load.wrk import Load, run_wrk
from benchmarks.works import Work

__all__ = ["Cell", "Pace", "StoreResult", "Window", "measure_store"]

_WARM_UP_SECONDS = 1
_EXPENDABLE = "fastapi"  # a baseline that fails under load is reported, and no reason to fail


@dataclass(frozen=True, slots=True)
class Window:
    """One contender under one kind of load once."""

    load: Load
    cpu_us: float
    """Server CPU per completed request, in microseconds."""
    tail_us: float
    """What the server went on to do afterwards, per request."""
    rss: int


@dataclass(frozen=True, slots=True)
class Cell:
    """All windows of one contender and work."""

    windows: list[Window] = field(default_factory=list)

    def middle(self, read: Callable[[Window], float]) -> float:
        """The median of a figure over the rounds."""
        return median(read(window) for window in self.windows)

    @property
    def cpu_us(self) -> float:
        """Median server CPU per request."""
        return self.middle(lambda window: window.cpu_us)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most CPU per request."""
        values = [window.cpu_us for window in self.windows]
        return min(values), max(values)


@dataclass(slots=True)
class StoreResult:
    """What was measured on one store."""

    store: str
    version: str
    cells: dict[tuple[str, Work], Cell] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    boot_rss: dict[str, int] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    """What makes the run fail."""
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how hard."""

    rounds: int
    seconds: int
    connections: int


def measure_store(
    result: StoreResult, makers: dict[str, Callable[[], Contender]], pace: Pace, workplace: Workplace
) -> StoreResult:
    """Start the contenders, check them, run the rounds, and end everything that was started."""
    with ExitStack() as stack:
        ready = [
            (contender, sizes)
            for key, make in makers.items()
            if (contender := _begin(key, make, stack, result)) is not None
            and (sizes := _checked(contender, result)) is not None
        ]
        _Rounds(result, pace, workplace, ready).run()
    return result


def _begin(key: str, make: Callable[[], Contender], stack: ExitStack, result: StoreResult) -> Contender | None:
    _say(f"{result.store}: preparing {key}")
    try:
        contender = make()
        stack.callback(contender.database.drop)
        stack.callback(contender.server.stop)
        contender.prepare()
    except NotRunError as reason:
        result.not_run[key] = str(reason)
        return None
    except BenchmarkError as error:
        result.not_run[key] = "failed"
        result.errors.append(f"{key} on {result.store} could not be prepared: {error}")
        return None
    result.titles[key] = contender.title
    result.boot_rss[key] = contender.server.rss()
    return contender


def _checked(contender: Contender, result: StoreResult) -> dict[Work, int] | None:
    try:
        if contender.guarded:
            check_guards(contender)
        return check_answers(contender)
    except BenchmarkError as error:
        contender.server.stop()
        result.not_run[contender.key] = "answers were wrong"
        result.errors.append(f"on {result.store}: {error}")
        return None


class _Rounds:
    def __init__(
        self,
        result: StoreResult,
        pace: Pace,
        workplace: Workplace,
        ready: Sequence[tuple[Contender, dict[Work, int]]],
    ) -> None:
        self._result = result
        self._pace = pace
        self._plan = workplace.folder / "plan.tsv"
        self._ready = list(ready)

    def run(self) -> None:
        """Warm everything up, then go round and round, each time beginning with another contender."""
        for number in range(self._pace.rounds + 1):
            seconds = self._pace.seconds if number else _WARM_UP_SECONDS
            _say(f"{self._result.store}: " + (f"round {number}" if number else "warm-up"))
            for work in Work:
                shift = number % max(1, len(self._ready))
                for contender, sizes in self._ready[shift:] + self._ready[:shift]:
                    if work in contender.works:
                        window = self._window(contender, work, sizes.get(work, 0), seconds, number)
                        if number:
                            self._result.cells.setdefault((contender.key, work), Cell()).windows.append(window)

    def _window(self, contender: Contender, work: Work, size: int, seconds: int, number: int) -> Window:
        prefix = f"B{number}-{work.value}-"
        make_plan(contender, prefix).write(self._plan)
        server, port = contender.server, contender.server.port
        table, named = _where_stored(contender, work, prefix)
        before = contender.database.count(table, named) if table else 0
        used = server.cpu()
        load = run_wrk(work, self._plan, port, self._pace.connections, seconds, 7_919 * (number + 1))
        used = server.cpu() - used
        tail = server.settle()
        stored = contender.database.count(table, named) - before if table else None
        errors = check_window(contender, work, load, size, stored)
        into = self._result.remarks if contender.key == _EXPENDABLE else self._result.errors
        into.extend(f"{error} (round {number})" for error in errors)
        responses = max(1, load.requests)
        return Window(load, used / responses * 1e6, tail / responses * 1e6, server.rss())


def _where_stored(contender: Contender, work: Work, prefix: str) -> tuple[str | None, str]:
    """The table that this work adds rows to, and what their names start with."""
    if work is Work.POST:
        return contender.table, prefix
    if work is Work.INVOICE:
        return "invoice", "INV-"
    return None, ""


def _say(text: str) -> None:
    print(f"[benchmarks] {text}", file=sys.stderr, flush=True)
