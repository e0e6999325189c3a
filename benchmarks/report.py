"""The results of a run: on the terminal, as JSON, and as the reference page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.goals import GOALS, ratios
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measure import StoreResult
from benchmarks.micro.run import MicroResult
from benchmarks.process_figures import ProcessResult
from benchmarks.tables import Table, as_markdown, as_text, goal_table, micro_table, process_table, store_table

__all__ = ["Report"]

_INTRODUCTION = """\
# Benchmarks

Written by `{command}` on {date}. Do not edit: run it again.

Each server runs as one process on one core, the load generator (`wrk`, closed loop, {connections}
connections) on another; PostgreSQL runs beside them. {rounds} rounds of {seconds} s are interleaved, and a
figure is the median over the rounds. CPU is the server's own, its children included, per completed request,
from `/proc`: on a shared machine it is the steadiest figure. The table has {rows} rows. Framework M runs in
production mode with authentication, permission check and row scope on; the floor (bare ASGI on the database
driver) and FastAPI with the SQLAlchemy ORM have none of them. SQLite runs with `journal_mode=WAL` and
`synchronous=NORMAL`. The mix is 70 % GET, 20 % LIST, 5 % POST, 5 % PUT. Ratios hold between machines better
than absolute figures do; starts of tools include that of the interpreter.
"""


@dataclass(slots=True)
class Report:
    """Everything a run has found."""

    command: str
    pace: dict[str, int]
    stores: list[StoreResult] = field(default_factory=list)
    process: ProcessResult | None = None
    micro: MicroResult | None = None
    date: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def figures(self) -> dict[str, float]:
        """All figures by key."""
        measured = self.process.figures if self.process else {}
        return ratios(self.stores) | measured | (self.micro.figures if self.micro else {})

    @property
    def errors(self) -> list[str]:
        """What makes the run fail."""
        found = [error for result in self.stores for error in result.errors]
        return found + (self.process.errors if self.process else [])

    def text(self) -> str:
        """For the terminal."""
        return "\n".join(as_text(table) for table in self._tables())

    def write_markdown(self, path: Path) -> None:
        """The reference page."""
        introduction = _INTRODUCTION.format(command=self.command, date=f"{self.date:%Y-%m-%d}", **self.pace)
        about = Table("machine and versions", ("what", "value"), [*self._about().items()])
        sections = [introduction, *(as_markdown(table) for table in self._tables()), as_markdown(about)]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(sections))

    def write_json(self, path: Path) -> None:
        """Every window of every round, for other programs."""
        document = {
            "command": self.command,
            "date": self.date.isoformat(),
            "pace": self.pace,
            "machine": describe_machine(),
            "versions": describe_versions(),
            "stores": [_store_json(result) for result in self.stores],
            "process": asdict(self.process) if self.process else None,
            "micro": asdict(self.micro) if self.micro else None,
            "figures": self.figures,
            "goals": [asdict(goal) | {"verdict": goal.verdict(self.figures)} for goal in GOALS],
            "errors": self.errors,
        }
        path.write_text(json.dumps(document, indent=2) + "\n")

    def _tables(self) -> Sequence[Table]:
        tables = [store_table(result) for result in self.stores]
        if self.process:
            tables.append(process_table(self.process))
        if self.micro:
            tables.append(micro_table(self.micro))
        return [*tables, goal_table(self.figures)]

    def _about(self) -> dict[str, str]:
        stores = {result.store: result.version for result in self.stores}
        return describe_machine() | describe_versions() | stores


def _store_json(result: StoreResult) -> dict[str, Any]:
    cells = [
        {
            "contender": key,
            "work": work.value,
            "cpu_us": cell.cpu_us,
            "cpu_us_spread": cell.spread,
            "windows": [asdict(window) for window in cell.windows],
        }
        for (key, work), cell in result.cells.items()
    ]
    return {
        "store": result.store,
        "version": result.version,
        "cells": cells,
        "boot_rss": result.boot_rss,
        "not_run": result.not_run,
        "remarks": result.remarks,
    }
