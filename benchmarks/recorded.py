"""The ratios of an earlier run, and what has become worse since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.goals import GOALS

__all__ = ["RECORDED", "part_of", "record", "worse_than_recorded"]

RECORDED = Path(__file__).with_name("recorded.json")
_TOLERANCE = 1.3
_UNSTEADY = "p99/p50"  # tail latency on a shared machine says nothing about a change


def record(figures: Mapping[str, float]) -> None:
    """Write the ratios that goals are about; those of parts that were not run stay as they were."""
    known = _read()
    known |= {key: round(figures[key], 3) for key in _keys() if key in figures}
    RECORDED.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def worse_than_recorded(figures: Mapping[str, float], parts: Sequence[str]) -> dict[str, str]:
    """What is 1.3 × worse than recorded, or could not be compared, by key."""
    known = {key: value for key, value in _read().items() if part_of(key) in parts}
    errors = {}
    for part in set(parts) - {"process"} - {part_of(key) for key in known}:
        errors[part] = f"recorded.json has nothing to compare {part} with: run once with --record"
    at_most = {goal.key: goal.at_most for goal in GOALS}
    for key, before in known.items():
        now = figures.get(key)
        if now is None:
            errors[key] = f"{key} is recorded as {before} and was not measured"
        elif now > before * _TOLERANCE if at_most.get(key, True) else now < before / _TOLERANCE:
            errors[key] = f"{key} is {now:.2f}, recorded {before:.2f}: more than {_TOLERANCE} x worse"
    return errors


def part_of(key: str) -> str:
    """The part of a run that a figure belongs to."""
    return key.partition(".")[0]


def _keys() -> list[str]:
    return [goal.key for goal in GOALS if goal.is_ratio and not goal.key.endswith(_UNSTEADY)]


def _read() -> dict[str, float]:
    if not RECORDED.exists():
        return {}
    known: dict[str, float] = json.loads(RECORDED.read_text())
    return known
