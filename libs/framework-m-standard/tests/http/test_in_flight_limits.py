"""What is counted stays within the limits, whatever is held, and what is dropped for it is what can be spared."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.errors import RateLimitError
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight
from framework_m_standard.http.wire.request_errors import NotReadyError

MIB = 1024 * 1024


@dataclass(eq=False)
class Connection:
    """A connection that records that it was aborted."""

    caller: str
    size: int
    is_reading: bool = False
    aborted: bool = False

    def abort(self) -> None:
        """End."""
        self.aborted = True


_STEPS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5 * MIB), st.sampled_from("rrrbx")), max_size=60)


def test_who_reads_is_dropped_last_and_the_largest_first() -> None:
    counted = BytesInFlight(8, 8)
    made = [Connection("ada", 3 * MIB, is_reading=True), Connection("ada", 2 * MIB), Connection("bob", 3 * MIB)]
    newest = [Connection("eve", size * MIB, is_reading=True) for size in (1, 3, 6)]
    for one, dropped in zip([*made, *newest], (None, None, None, made[1], made[2], made[0]), strict=True):
        counted.add_unread(one.caller, one, one.size)
        assert dropped is None or dropped.aborted
        assert all(other.aborted for other in made) == (dropped is made[0])


def test_bodies_drop_no_answer_of_the_half_that_answers_have() -> None:
    counted, answers = BytesInFlight(8, 8), [Connection("ada", 2 * MIB) for _ in range(3)]
    for one in answers:
        counted.add_unread(one.caller, one, one.size)
    counted.add_body("bob", 4 * MIB, 0)
    assert [one.aborted for one in answers] == [True, False, False]
    with pytest.raises(NotReadyError):
        counted.add_body("eve", MIB, 0)
    assert [one.aborted for one in answers] == [True, False, False]


@given(_STEPS)
def test_the_limits_hold_whatever_is_held(steps: list[tuple[str, int, str]]) -> None:
    """More than a limit is held only by what is alone, or by the newest answer beside bodies."""
    counted, readers, bodies = BytesInFlight(8, 4), list[Connection](), dict[str, int]()
    for caller, size, kind in steps:
        if kind == "r":
            readers.append(Connection(caller, size))
            counted.add_unread(caller, readers[-1], size)
        elif kind == "x" and readers:
            one = readers.pop(0)
            counted.remove_unread(one.caller, one)
        elif kind == "b":
            try:
                counted.add_body(caller, size, bodies.get(caller, 0))
            except (RateLimitError, NotReadyError):
                counted.remove_body(caller, bodies.pop(caller, 0))
            else:
                bodies[caller] = bodies.get(caller, 0) + size
        readers = [one for one in readers if not one.aborted]
        held = sum(one.size for one in readers) + sum(bodies.values())
        assert counted.total == held
        newest = readers[-1].size if readers else 0
        assert held <= 8 * MIB + newest or len(bodies) == 1
        assert sum(bodies.values()) <= 4 * MIB or len(bodies) == 1
    for one in readers:
        counted.remove_unread(one.caller, one)
    for caller, size in bodies.items():
        counted.remove_body(caller, size)
    assert (counted.total, counted._callers) == (0, {})
