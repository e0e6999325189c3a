"""The cache in memory: its bound, and any life of its entries against a plain dictionary."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.clock import system_clock
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_standard.memory.cache import MemoryCache
from framework_m_standard.memory.settings import MemorySettings

KEYS = ["a", "b", "ab", "a*", "?"]
PATTERNS = {
    "a": {"a"},
    "a*": {"a", "ab", "a*"},
    "*b": {"b", "ab"},
    "*": {*KEYS},
    "?": {"a", "b", "?"},
    "a\\*": {"a*"},
    "\\?": {"?"},
}

type Kept = dict[str, tuple[Any, float | None]]
"""What a cache should hold: values by key, and when they expire."""

_keys = st.sampled_from(KEYS)
_values = st.none() | st.integers(0, 9) | st.lists(st.text(max_size=2), max_size=2)
_ttls = st.none() | st.sampled_from([1, 2.5, 5])
_actions = st.one_of(
    st.tuples(st.just("set"), st.dictionaries(_keys, _values), _ttls),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 1, 3])),
    st.tuples(st.just("delete"), _keys),
    st.tuples(st.just("pattern"), st.sampled_from(sorted(PATTERNS))),
)


async def test_past_their_number_the_longest_unused_goes() -> None:
    small = MemoryCache(MemorySettings(max_cache_entries=3), system_clock)
    await small.set_many({"a": 1, "b": 2, "c": 3})
    assert await small.get("a") == 1
    assert await small.exists("b") and await small.ttl("b") is None
    await small.set("d", 4)
    assert await small.get_many("abcd") == {"a": 1, "c": 3, "d": 4}
    await small.set("a", 5)
    await small.set("e", 6)
    assert await small.get_many("acde") == {"a": 5, "d": 4, "e": 6}
    await small.set_many({str(number): number for number in range(9)})
    assert await small.get_many("678a") == {"6": 6, "7": 7, "8": 8}


async def test_past_their_size_the_longest_unused_goes_too() -> None:
    small = MemoryCache(MemorySettings(max_cache_mb=1), system_clock)
    text = "x" * 400_000
    await small.set_many({"a": text, "b": text})
    assert await small.get("a") == text
    await small.set("c", text)
    assert set(await small.get_many("abc")) == {"a", "c"}
    await small.set("a", "small now")
    await small.delete("c")
    await small.set_many({"d": text, "e": text})
    assert set(await small.get_many("acde")) == {"a", "d", "e"}


async def test_the_number_is_a_setting(tmp_path: Path) -> None:
    given = {"M_ADAPTERS__STORE": "memory", "M_MEMORY__MAX_CACHE_ENTRIES": "2"}
    async with open_application(tmp_path, environment=given) as app:
        cache: CacheProtocol = app.container.get("cache")
        await cache.set_many({"a": 1, "b": 2, "c": 3})
        assert await cache.get_many("abc") == {"b": 2, "c": 3}


async def test_the_size_is_a_setting(tmp_path: Path) -> None:
    given = {"M_ADAPTERS__STORE": "memory", "M_MEMORY__MAX_CACHE_MB": "1"}
    async with open_application(tmp_path, environment=given) as app:
        cache: CacheProtocol = app.container.get("cache")
        await cache.set_many({"a": "x" * 600_000, "b": "x" * 600_000})
        assert set(await cache.get_many("ab")) == {"b"}


@given(actions=st.lists(_actions, max_size=12))
def test_it_is_a_dictionary_that_forgets_in_time(actions: list[Any]) -> None:
    asyncio.run(_lives_through(actions))


async def _lives_through(actions: list[Any]) -> None:
    start, now = system_clock(), 0.0
    kept: Kept = {}
    cache = MemoryCache(MemorySettings(), lambda: start + timedelta(seconds=now))
    for action in actions:
        match action:
            case "set", values, ttl:
                await cache.set_many(values, ttl)
                kept |= {key: (value, None if ttl is None else now + ttl) for key, value in values.items()}
            case "pass", seconds:
                now += seconds
                kept = {key: (value, end) for key, (value, end) in kept.items() if end is None or end > now}
            case "delete", key:
                assert await cache.delete(key) is (kept.pop(key, None) is not None)
            case "pattern", pattern:
                gone = PATTERNS[pattern] & kept.keys()
                assert await cache.delete_pattern(pattern) == len(gone)
                kept = {key: entry for key, entry in kept.items() if key not in gone}
        await _is(cache, kept, now)


async def _is(cache: MemoryCache, kept: Kept, now: float) -> None:
    assert await cache.get_many(KEYS) == {key: value for key, (value, _) in kept.items()}
    for key in KEYS:
        value, end = kept.get(key, (None, now))
        assert [await cache.get(key), await cache.exists(key)] == [value, key in kept]
        assert await cache.ttl(key) == (None if end is None else end - now)
