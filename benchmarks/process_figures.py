"""Boot, memory after boot, and the start of the tools: medians of several process starts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.errors import BenchmarkError
from benchmarks.generated_app import generate_app
from benchmarks.product import M, serve_command, server_environment, sync_schema
from benchmarks.server import Server, child_environment, free_port

__all__ = ["ProcessResult", "measure_process"]

DOCTYPE_COUNTS = (5, 200, 1_000)
_STARTS = 7
_POLL_SECONDS = 0.005


@dataclass(slots=True)
class ProcessResult:
    """Figures by key, in seconds and megabytes."""

    figures: dict[str, float] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def measure_process(folder: Path, boots: int) -> ProcessResult:
    """Measure everything that the installed packages allow."""
    result = ProcessResult()
    bare = [sys.executable, "-c", "pass"]
    result.figures["process.interpreter_s"] = _median_start(bare, folder)
    for key, module in (("import_core", "framework_m_core"), ("import_framework", "framework_m")):
        if find_spec(module) is None:
            result.not_run[f"import {module}"] = "not installed"
        else:
            command = [sys.executable, "-c", f"import {module}"]
            _try(result, f"process.{key}_s", command, folder)
    if not M.exists():
        result.not_run["m --help, boot, memory"] = f"{M} is missing"
        return result
    _try(result, "process.help_s", [str(M), "--help"], folder)
    for count in DOCTYPE_COUNTS:
        try:
            _boot(result, folder, count, boots)
        except BenchmarkError as error:
            result.errors.append(f"boot with {count} DocTypes: {error}")
    return result


def _try(result: ProcessResult, key: str, command: Sequence[str], folder: Path) -> None:
    try:
        result.figures[key] = _median_start(command, folder)
    except BenchmarkError as error:
        result.errors.append(str(error))


def _median_start(command: Sequence[str], folder: Path) -> float:
    """Wall time of a whole process, interpreter included; a first start warms the file cache."""
    times = []
    for number in range(_STARTS + 1):
        began = time.perf_counter()
        ended = subprocess.run(
            command, cwd=folder, env=child_environment({}), capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            raise BenchmarkError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr[-500:]}")
        if number:
            times.append(time.perf_counter() - began)
    return median(times)


def _boot(result: ProcessResult, folder: Path, count: int, boots: int) -> None:
    """Serve a generated app on SQLite; its schema exists, as on every start but the first."""
    app = folder / f"app-{count}"
    generate_app(app, count)
    environment = server_environment(f"sqlite:///{folder / f'boot-{count}.sqlite'}")
    sync_schema(app, environment)
    times, sizes = [], []
    for number in range(boots + 1):
        port = free_port()
        server = Server(serve_command(port), app, environment, port, folder / f"boot-{count}.log")
        try:
            took = server.start(_POLL_SECONDS)
            if number:
                times.append(took)
                sizes.append(server.rss() / 1e6)
        finally:
            server.stop()
    result.figures[f"process.boot_{count}_s"] = median(times)
    result.figures[f"process.rss_{count}_mb"] = median(sizes)
