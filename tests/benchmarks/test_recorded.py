"""CI's gate: what is 1.3 times worse than recorded is told, whichever way is worse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import recorded
from benchmarks.goals import GOALS
from benchmarks.options import PARTS
from tests.errors import assert_names

LESS_IS_GOOD, MORE_IS_GOOD = "sqlite.get.ours/floor", "postgres.get.fastapi/ours"


@pytest.fixture(autouse=True)
def _earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps({LESS_IS_GOOD: 2.0, MORE_IS_GOOD: 8.0}))
    monkeypatch.setattr(recorded, "RECORDED", path)


@pytest.mark.parametrize(
    ("less", "more", "told"),
    [
        (2.0, 8.0, set()),
        (2.5, 6.5, set()),
        (1.0, 20.0, set()),
        (2.7, 8.0, {LESS_IS_GOOD}),
        (2.0, 6.0, {MORE_IS_GOOD}),
    ],
)
def test_what_is_worse_than_recorded_is_told(less: float, more: float, told: set[str]) -> None:
    figures = {LESS_IS_GOOD: less, MORE_IS_GOOD: more}
    assert recorded.worse_than_recorded(figures, ("postgres", "sqlite", "process")).keys() == told


def test_a_part_that_was_not_run_is_not_missed() -> None:
    assert recorded.worse_than_recorded({LESS_IS_GOOD: 2.0}, ("sqlite",)) == {}


def test_what_cannot_be_compared_is_told() -> None:
    found = recorded.worse_than_recorded({}, ("sqlite", "micro"))
    assert "was not measured" in found[LESS_IS_GOOD]
    assert_names(found["micro"], "nothing to compare", "micro")


def test_only_what_was_measured_is_recorded_anew() -> None:
    recorded.record({LESS_IS_GOOD: 1.5, "postgres.mixed.ours.p99/p50": 3.0, "process.help_s": 0.2})
    assert json.loads(recorded.RECORDED.read_text()) == {LESS_IS_GOOD: 1.5, MORE_IS_GOOD: 8.0}


def test_every_goal_belongs_to_a_part() -> None:
    assert {recorded.part_of(goal.key) for goal in GOALS} == set(PARTS)
