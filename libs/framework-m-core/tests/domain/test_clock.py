"""Ids rise whatever the clock does; moments are aware and have microseconds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.clock import Uuid7Generator, system_clock


def test_the_system_clock_is_aware_and_utc() -> None:
    assert system_clock().tzinfo is UTC


def test_an_id_is_a_version_7_uuid_of_its_millisecond() -> None:
    id = Uuid7Generator(lambda: 1_700_000_000_123)()
    assert (id.version, id.variant) == (7, "specified in RFC 4122")
    assert id.int >> 80 == 1_700_000_000_123


def test_the_default_generator_follows_the_clock() -> None:
    before = time.time_ns() // 1_000_000
    stamp = Uuid7Generator()().int >> 80
    assert before <= stamp <= time.time_ns() // 1_000_000 + 1


@given(st.lists(st.integers(1, 1 << 47), min_size=1, max_size=50))
def test_ids_rise_also_when_the_clock_steps_back(moments: list[int]) -> None:
    ticking = iter(moments)
    ids = [generator() for generator in [Uuid7Generator(lambda: next(ticking))] for _ in moments]
    assert ids == sorted(ids)
    assert len({id.int >> 64 for id in ids}) == len(ids)
    assert all(id.version == 7 for id in ids)


def test_more_ids_than_a_millisecond_counts_still_rise() -> None:
    generator = Uuid7Generator(lambda: 1_000_000)
    ids = [generator() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {id.version for id in ids} == {7}


def test_threads_share_a_generator() -> None:
    generator = Uuid7Generator(lambda: 1_000_000)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: generator(), range(4_000)))
    assert len(set(ids)) == 4_000


def test_the_random_part_is_not_the_same_twice() -> None:
    generator = Uuid7Generator(lambda: 1)
    assert len({generator().int & ((1 << 62) - 1) for _ in range(1_000)}) == 1_000
