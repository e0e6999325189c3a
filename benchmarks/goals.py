"""The targets, and what the measured figures say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from benchmarks.measure import StoreResult
from benchmarks.works import Work

__all__ = ["GOALS", "Goal", "ratios"]


@dataclass(frozen=True, slots=True)
class Goal:
    """One target: a figure's key, its limit, and which way is good."""

    key: str
    text: str
    limit: float
    at_most: bool = True
    gate: bool = False
    unit: str = "×"

    @property
    def is_ratio(self) -> bool:
        """Whether it compares two contenders of one run, and so holds on any machine."""
        return self.unit == "×"

    def is_met(self, value: float) -> bool:
        """Whether `value` is on the good side of the limit."""
        return value <= self.limit if self.at_most else value >= self.limit

    def verdict(self, figures: Mapping[str, float]) -> str:
        """met, missed or not run."""
        if self.key not in figures:
            return "not run"
        return "met" if self.is_met(figures[self.key]) else "missed"

    @property
    def wanted(self) -> str:
        """The limit in words."""
        return f"{'at most' if self.at_most else 'at least'} {self.limit:g} {self.unit}"


def _against(store: str, work: Work, floor: float | None, fastapi: float, published: float | None) -> list[Goal]:
    name = f"{store}.{work.value}"
    title = f"{'SQLite ' if store == 'sqlite' else ''}{work.caption}"
    goals = []
    if floor is not None:
        goals.append(Goal(f"{name}.ours/floor", f"{title}: ours / floor", floor, gate=True))
    if fastapi:
        text = f"{title}: FastAPI + ORM / ours"
        goals.append(Goal(f"{name}.fastapi/ours", text, fastapi, at_most=False, gate=floor is None))
    if published is not None:
        text = f"{title}: published framework / ours"
        goals.append(Goal(f"{name}.published/ours", text, published, at_most=False))
    return goals


GOALS: tuple[Goal, ...] = (
    *_against("postgres", Work.GET, 1.5, 8, 14),
    *_against("postgres", Work.LIST, 1.33, 6, 14),
    *_against("postgres", Work.POST, 2.0, 6, 45),
    *_against("postgres", Work.PUT, 2.0, 6, 45),
    *_against("postgres", Work.INVOICE, None, 3, None),
    *_against("sqlite", Work.GET, 2.0, 0, None),
    *_against("sqlite", Work.POST, 2.0, 0, None),
    Goal("sqlite.post.ours.p99_ms", "SQLite POST: p99", 30, unit="ms"),
    Goal("postgres.mixed.ours.p99/p50", "mixed load: p99 / p50", 5),
    Goal("process.boot_5_s", "boot with 5 DocTypes", 0.8, unit="s"),
    Goal("process.boot_200_s", "boot with 200 DocTypes", 1.5, unit="s"),
    Goal("process.boot_1000_s", "boot with 1,000 DocTypes", 4, unit="s"),
    Goal("process.rss_5_mb", "memory after boot", 90, unit="MB"),
    Goal("process.rss_1000_mb", "memory after boot with 1,000 DocTypes", 160, unit="MB"),
    Goal("process.import_core_s", "import framework_m_core", 0.15, unit="s"),
    Goal("process.import_framework_s", "import framework_m", 0.25, unit="s"),
    Goal("process.help_s", "m --help", 0.3, unit="s"),
    Goal("micro.permission", "permission check / GET in process", 0.1, gate=True),
    Goal("micro.read", "GET in process / sqlite3 and msgspec", 5),
    Goal("micro.filter", "reading a list's query / SQLAlchemy compiling it", 0.25),
    Goal("micro.encode", "a page of 20 / msgspec alone", 1.1),
    Goal("micro.body", "body to document / pydantic into a model", 5),
    Goal("micro.plan", "plan of a DocType / pydantic making its class", 1),
    Goal("micro.import", "import framework_m / pydantic and a model", 1.5),
    Goal("micro.boot", "boot with 5 DocTypes / what it imports of others", 1.5),
)


def ratios(results: Sequence[StoreResult]) -> dict[str, float]:
    """Every figure of the stores that a goal could be about, by key."""
    figures: dict[str, float] = {}
    for result in results:
        for work in Work:
            costs = {key: cell.cpu_us for (key, done), cell in result.cells.items() if done is work}
            for (one, cost), (other, against) in permutations(costs.items(), 2):
                figures[f"{result.store}.{work.value}.{one}/{other}"] = cost / against
        for (key, work), cell in result.cells.items():
            p50 = cell.middle(lambda window: window.load.p50_ms)
            p99 = cell.middle(lambda window: window.load.p99_ms)
            figures[f"{result.store}.{work.value}.{key}.p99_ms"] = p99
            figures[f"{result.store}.{work.value}.{key}.p99/p50"] = p99 / p50
    return figures
