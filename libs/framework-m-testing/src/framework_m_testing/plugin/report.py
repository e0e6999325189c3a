"""`ContractsReport`: what each contract gave on each adapter, counted from the reports of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["ADAPTER", "CAPABILITIES", "CONTRACT", "ContractsReport"]

CONTRACT: Final = "contract"
ADAPTER: Final = "adapter"
CAPABILITIES: Final = "store_capabilities"
"""The properties of a test that say which contract it is of, on which adapter, and what that one's store claims."""


class ContractsReport:
    """Collects the outcomes of contract tests, and writes them at the end of the run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._runs: dict[tuple[str, str], dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the outcome of a test, and keep what its store claims and why it was skipped."""
        told = dict(report.user_properties)
        if CONTRACT not in told or (report.when != "call" and report.passed):
            return
        run = self._runs.setdefault(
            (str(told[CONTRACT]), str(told[ADAPTER])),
            {"passed": 0, "failed": 0, "skipped": {}, "xfailed": {}, "capabilities": None},
        )
        run["capabilities"] = told.get(CAPABILITIES, run["capabilities"])
        test = report.nodeid.rpartition("::")[2]
        if hasattr(report, "wasxfail"):
            run["xfailed"][test] = report.wasxfail
        elif report.skipped and isinstance(report.longrepr, tuple):
            run["skipped"][test] = report.longrepr[2].removeprefix("Skipped: ")
        else:
            run[report.outcome] += 1

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        rows = [{CONTRACT: one, ADAPTER: other, **run} for (one, other), run in sorted(self._runs.items())]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
