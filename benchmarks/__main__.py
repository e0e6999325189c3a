"""Run the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from benchmarks.baselines import FastapiPostgres, FastapiSqlite, FloorPostgres, FloorSqlite
from benchmarks.contender import Contender, Workplace
from benchmarks.errors import BenchmarkError
from benchmarks.load.wrk import LOAD_CORE, ensure_wrk
from benchmarks.measure import Pace, StoreResult, measure_store
from benchmarks.micro.run import measure_micro
from benchmarks.options import Options, parse_options
from benchmarks.process_figures import measure_process
from benchmarks.product import Product
from benchmarks.recorded import part_of, record, worse_than_recorded
from benchmarks.report import Report
from benchmarks.server import SERVER_CORE
from benchmarks.stores.postgres import PostgresServer


def main() -> int:
    """Measure, report, and say by the exit status whether all is well."""
    options = parse_options()
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    signal.signal(signal.SIGTERM, _stop)  # so that servers and databases go as on Ctrl-C
    try:
        _require_cores()
        report = _measure(options, command, options.parts)
        worse = _confirmed(report, options, command) if options.short else []
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return _publish(report, worse, options)


def _confirmed(report: Report, options: Options, command: str) -> list[str]:
    """What is worse than recorded, and still is when its part is measured once more: machines have bad minutes."""
    first = worse_than_recorded(report.figures, options.parts)
    parts = tuple(part for part in options.parts if part in {part_of(key) for key in first})
    if not parts:
        return []
    for error in first.values():
        print(f"[benchmarks] {error}; measuring {' and '.join(parts)} again", file=sys.stderr, flush=True)
    second = worse_than_recorded(_measure(options, command, parts).figures, parts)
    return [error for key, error in second.items() if key in first]


def _measure(options: Options, command: str, parts: Sequence[str]) -> Report:
    with tempfile.TemporaryDirectory(prefix="framework-m-bench-") as folder:
        return _measure_in(Path(folder), options, command, parts)


def _measure_in(folder: Path, options: Options, command: str, parts: Sequence[str]) -> Report:
    pace = Pace(options.rounds, options.seconds, options.connections)
    workplace = Workplace(folder, options.rows)
    given = {name: getattr(options, name) for name in ("rounds", "seconds", "connections", "rows")}
    report = Report(command, given)
    if set(parts) & {"postgres", "sqlite"}:
        ensure_wrk()
    if "postgres" in parts:
        report.stores.append(_postgres(pace, workplace))
    if "sqlite" in parts:
        report.stores.append(_sqlite(pace, workplace))
    if "process" in parts:
        report.process = measure_process(folder, options.rounds)
    if "micro" in parts:
        report.micro = measure_micro(folder, options.rounds)
    return report


def _postgres(pace: Pace, workplace: Workplace) -> StoreResult:
    server = PostgresServer.find()
    makers: dict[str, Callable[[], Contender]] = {
        "floor": lambda: FloorPostgres.create(workplace, server),
        "ours": lambda: Product.on_postgres(workplace, server),
        "fastapi": lambda: FastapiPostgres.create(workplace, server),
    }
    return measure_store(StoreResult("postgres", server.version), makers, pace, workplace)


def _sqlite(pace: Pace, workplace: Workplace) -> StoreResult:
    makers: dict[str, Callable[[], Contender]] = {
        "floor": lambda: FloorSqlite.create(workplace),
        "ours": lambda: Product.on_sqlite(workplace),
        "fastapi": lambda: FastapiSqlite.create(workplace),
    }
    return measure_store(StoreResult("sqlite", sqlite3.sqlite_version), makers, pace, workplace)


def _publish(report: Report, worse: Sequence[str], options: Options) -> int:
    print(report.text())
    if options.json:
        report.write_json(options.json)
    if options.markdown:
        report.write_markdown(options.markdown)
    errors = [*report.errors, *worse]
    for error in errors:
        print(f"ERROR: {error}")
    if options.record and not errors:
        record(report.figures)
    return 1 if errors else 0


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


def _require_cores() -> None:
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise BenchmarkError("Two cores are needed: one for the server, one for the load generator.")


if __name__ == "__main__":
    sys.exit(main())
