"""Runs `wrk` on a core of its own and reads what its script prints at the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.works import Work

__all__ = ["LOAD_CORE", "Load", "ensure_wrk", "run_wrk"]

LOAD_CORE = 1
_SCRIPT = Path(__file__).with_name("work.lua")
_MARK = "BENCH "


@dataclass(frozen=True, slots=True)
class Load:
    """What one window of load came to."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    bad_status: int
    """Answers of 400 and above."""
    broken: int
    """Connections that failed, and requests without an answer in time."""


def ensure_wrk() -> None:
    """Install `wrk` where it is missing and that is possible; else say what to do."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (("update", "-qq"), ("install", "-qq", "-y", "wrk")):
            subprocess.run(("apt-get", *command), check=False, stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        raise BenchmarkError("wrk is missing: install the package `wrk` (apt-get install wrk, as root).")


def run_wrk(work: Work, plan: Path, port: int, connections: int, seconds: int, seed: int) -> Load:
    """One window of `seconds` of `work`, closed loop: each connection waits for its answer."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
    command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{port}/"]
    given = {"BENCH_WORK": work.value, "BENCH_PLAN": str(plan), "BENCH_SEED": str(seed)}
    ended = subprocess.run(
        command,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
        preexec_fn=_pin,  # the harness has one thread
    )
    for line in ended.stdout.splitlines():
        if line.startswith(_MARK):
            return Load(**json.loads(line.removeprefix(_MARK)))
    raise BenchmarkError(f"wrk failed ({ended.returncode}):\n{ended.stdout}\n{ended.stderr}")


def _pin() -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
