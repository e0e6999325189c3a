"""Stages that packages declare: their places in the sequence, and what stops the start."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.controllers.write_stage import Write, write_stage
from framework_m_core.registry.write_stages import STAGES
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import compiled, errors_of


class Bill(FakeDocType):
    total: int = 0


def _stage(name: str, **place: Any) -> Any:
    @write_stage(name, **place)
    async def run(write: Write) -> None: ...

    run.__qualname__ = name
    return run


def _order(*stages: Any) -> list[str]:
    placed = compiled(Bill, stages=stages).stages
    return [stage if isinstance(stage, str) else stage.mark.name for stage in placed]


def test_without_declared_stages_the_frameworks_alone_run() -> None:
    assert compiled(Bill).stages == STAGES


def test_each_stage_stands_beside_the_one_that_it_names() -> None:
    stages = [_stage("late", after="record"), _stage("early", before="links"), _stage("own", after="early")]
    order = _order(*stages)
    assert order[order.index("early") :][:3] == ["early", "own", "links"]
    assert order[order.index("record") :][:2] == ["record", "late"]
    assert [name for name in order if name in STAGES] == [*STAGES]


def test_the_order_does_not_depend_on_which_package_is_found_first() -> None:
    stages = [_stage(name, before="scope") for name in ("b", "a", "c")]
    assert _order(*stages) == _order(*reversed(stages))


def test_a_stage_that_is_found_twice_runs_once() -> None:
    stage = _stage("once", after="parse")
    assert _order(stage, stage).count("once") == 1


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"after": "prase"}, f"expected a stage of {', '.join(STAGES)}, mine, got 'prase': did you mean 'parse'?"),
        ({}, "expected either before= or after=, got neither"),
        ({"before": "store", "after": "scope"}, "expected either before= or after=, got both"),
        ({"after": "authorize"}, "expected a position after 'parse', since there is no document before it"),
        ({"before": "parse"}, "expected a position after 'parse', since there is no document before it"),
        ({"after": "mine"}, "its position depends on itself, mine - mine"),
        ({"after": "store", "operations": ("create", "change")},
         "expected operations of create, update, submit, cancel, delete, restore, got 'change'"),
        ({"after": "store", "doctypes": "Bil"}, "expected names of DocTypes, got 'Bil': did you mean 'Bill'?"),
    ],
)  # fmt: skip
def test_a_place_that_is_none_stops_the_start(place: dict[str, Any], expected: str) -> None:
    [error] = errors_of(Bill, stages=[_stage("mine", **place)])
    assert error.endswith(f": @write_stage('mine'): {expected}")


def test_a_circle_names_its_stages() -> None:
    errors = errors_of(Bill, stages=[_stage("a", after="b"), _stage("b", before="a")])
    assert len(errors) == 2
    assert_names(errors[0], "write_stage('a'", "position", "a - b - a")
    assert_names(errors[1], "write_stage('b'", "position", "b - a - b")


def test_names_are_unique() -> None:
    errors = errors_of(Bill, stages=[_stage("a", after="parse"), _stage("a", after="store")])
    assert "declared by " in errors[0]
    [error] = errors_of(Bill, stages=[_stage("store", after="store")])
    assert_names(error, "write_stage('store'", "framework", "stage")


def test_a_stage_is_async_and_takes_the_write() -> None:
    @write_stage("plain", after="parse")  # type: ignore[arg-type]
    def plain(write: Write) -> None: ...

    @write_stage("bare", after="parse")
    async def bare() -> None: ...

    errors = errors_of(Bill, stages=[plain, bare])
    assert len(errors) == 2
    assert_names(errors[0], "plain", "'async def'")
    assert_names(errors[1], "bare", "parameter (write")
