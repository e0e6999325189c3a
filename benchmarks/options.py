"""The command line of `python -m benchmarks`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PARTS", "Options", "parse_options"]

PARTS = ("postgres", "sqlite", "process", "micro")


@dataclass(frozen=True, slots=True)
class Options:
    """What a run measures, and where its results go."""

    rounds: int
    seconds: int
    rows: int
    connections: int
    parts: tuple[str, ...]
    short: bool
    record: bool
    json: Path | None
    markdown: Path | None


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; `--short` lowers what was not given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default 5; 3 with --short)")
    parser.add_argument("--seconds", type=int, help="seconds per cell and round (default 5; 2 with --short)")
    parser.add_argument("--rows", type=int, help="rows in the table (default 100000; 20000 with --short)")
    parser.add_argument("--connections", type=int, default=32, help="connections of the load generator")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--short", action="store_true", help="compare to recorded.json; fail when 1.3 x worse")
    parser.add_argument("--record", action="store_true", help="write the ratios to recorded.json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the reference page")
    given = parser.parse_args(arguments)
    rounds, seconds, rows = (3, 2, 20_000) if given.short else (5, 5, 100_000)
    options = Options(
        rounds=rounds if given.rounds is None else given.rounds,
        seconds=seconds if given.seconds is None else given.seconds,
        rows=rows if given.rows is None else given.rows,
        connections=given.connections,
        parts=(given.only,) if given.only else PARTS,
        short=given.short,
        record=given.record,
        json=given.json,
        markdown=given.markdown,
    )
    if min(options.rounds, options.seconds, options.connections) < 1 or options.rows < 5_000:
        parser.error("rounds, seconds and connections are at least 1, rows at least 5000")
    return options
