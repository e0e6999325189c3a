"""The contract of `CacheProtocol`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.cache_entries import MAX_KEY, MAX_STORED_KEY
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_testing.contracts.contract import Contract

__all__ = ["CacheContract", "PassTime"]

type PassTime = Callable[[float], Awaitable[None]]
"""A function that lets at least this number of seconds pass, by advancing the cache's clock or by sleeping."""

_INT64 = 1 << 63


class _Suit(StrEnum):
    HEARTS = "hearts"


class _Level(IntEnum):
    LOW = 1


def _doubled(times: int) -> list[Any]:
    """Return a value that is small in memory but astronomically long as JSON."""
    value: list[Any] = []
    for _ in range(times):
        value = [value, value]
    return value


_VALUES: dict[str, Any] = {
    "true": True,
    "one": 1,
    "least": -_INT64,
    "most": _INT64 - 1,
    "float": 0.1,
    "whole float": 2.0,
    "empty": "",
    "text": 'ä ☃ 😀 \0 "\\ $ %',
    "decimal": Decimal("1.20"),
    "moment": datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC),
    "day": date(2026, 1, 31),
    "id": UUID(int=7),
    "list": [],
    "dict": {},
    "nested": {"a": [1, {"b": None}], "": {"c": [Decimal("0E-3"), [date(1, 1, 1)]]}},
    "dollars": {"$decimal": "1", "$$": {"$uuid": "x"}, "$": 1},
    "one dollar": {"$date": "today"},
}
_REFUSED: dict[str, Any] = {
    "object": object(),
    "class": Decimal,
    "tuple": (1,),
    "set": {1},
    "bytes": b"x",
    "nan": float("nan"),
    "infinity": [float("inf")],
    "no decimal": Decimal("NaN"),
    "too much": _INT64,
    "too little": -_INT64 - 1,
    "number as key": {1: "x"},
    "local moment": datetime(2026, 1, 31),
    "too long": "x" * 1_000_000,
    "member": _Suit.HEARTS,
    "numbered member": _Level.LOW,
    "member as key": {_Suit.HEARTS: 1},
    "many times itself": _doubled(40),
}
_SOON = 0.2


class CacheContract(Contract):
    """The contract of `CacheProtocol`. Provide fixtures `cache`, empty for each test, and `pass_time`, a `PassTime`."""

    async def test_what_is_kept_is_found_under_its_key_alone(self, cache: CacheProtocol) -> None:
        """A value is found only under its exact key, until it is replaced or deleted."""
        assert await cache.get("key") is None
        await cache.set("key", "first")
        await cache.set("key", "second")
        assert [await cache.get(key) for key in ("key", "Key", "key ", "ke")] == ["second", None, None, None]
        assert [await cache.delete("key"), await cache.delete("key")] == [True, False]
        assert await cache.get("key") is None

    async def test_a_value_comes_back_equal_and_of_its_types(self, cache: CacheProtocol) -> None:
        """Values and types are compared by `repr`, which distinguishes 1 from True, and 1.20 from 1.2."""
        await cache.set_many(_VALUES)
        assert repr(await cache.get_many(_VALUES)) == repr(_VALUES)
        for key, value in _VALUES.items():
            assert repr(await cache.get(key)) == repr(value), key

    async def test_a_moment_comes_back_in_utc(self, cache: CacheProtocol) -> None:
        """A datetime is returned in UTC, whatever its offset was."""
        moment = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
        await cache.set("key", moment)
        found = await cache.get("key")
        assert (found, found.utcoffset()) == (moment, timedelta(0))

    async def test_none_is_a_value(self, cache: CacheProtocol) -> None:
        """`exists` and `get_many` distinguish a stored None from a missing value."""
        await cache.set("key", None)
        assert await cache.get("key") is None
        assert [await cache.exists("key"), await cache.exists("other")] == [True, False]
        assert await cache.get_many(["key", "other"]) == {"key": None}

    async def test_what_is_kept_is_a_copy(self, cache: CacheProtocol) -> None:
        """Mutating a value after storing or reading it does not change the cache."""
        given: dict[str, Any] = {"rows": [1]}
        await cache.set("key", given)
        given["rows"].append(2)
        (await cache.get("key"))["rows"].append(3)
        (await cache.get_many(["key"]))["key"]["rows"].append(4)
        assert await cache.get("key") == {"rows": [1]}

    @pytest.mark.parametrize("refused", _REFUSED.values(), ids=_REFUSED)
    async def test_a_value_that_would_not_come_back_is_refused(self, cache: CacheProtocol, refused: Any) -> None:
        """An unsupported value is rejected alone, nested and among others, and nothing is changed."""
        await cache.set("key", "kept")
        for value in (refused, [refused], {"a": {"b": refused}}):
            with pytest.raises(ValueError, match="expected"):
                await cache.set("key", value)
        with pytest.raises(ValueError, match="expected"):
            await cache.set_many({"key": "new", "other": refused})
        assert await cache.get_many(["key", "other"]) == {"key": "kept"}

    async def test_a_value_without_end_is_refused(self, cache: CacheProtocol) -> None:
        """A list that contains itself is rejected."""
        endless: list[Any] = []
        endless.append(endless)
        with pytest.raises(ValueError, match="nested"):
            await cache.set("key", endless)

    @pytest.mark.parametrize("key", ["", "a\0b", "x" * (MAX_STORED_KEY + 1), "\ud800", None, 7])
    async def test_a_key_out_of_bounds_is_refused(self, cache: CacheProtocol, key: Any) -> None:
        """Every method rejects an invalid key."""
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: cache.get(key), lambda: cache.set(key, 1), lambda: cache.delete(key), lambda: cache.exists(key),
            lambda: cache.get_many(["a", key]), lambda: cache.set_many({"a": 1, key: 1}), lambda: cache.ttl(key),
            lambda: cache.delete_pattern(key),
        ]  # fmt: skip
        for call in calls:
            with pytest.raises(ValueError, match="a cache key"):
                await call()
        assert not await cache.exists("a")

    async def test_any_text_is_a_key(self, cache: CacheProtocol) -> None:
        """Keys may have the maximum length, and contain the characters of commands and patterns."""
        keys = ["☃" * MAX_KEY, "a b\r\n", "{user}:1", "*", "?", "[a]", "\\", "../x", "'\";--", "é", "e\u0301"]
        await cache.set_many({key: number for number, key in enumerate(keys)})
        assert await cache.get_many(reversed(keys)) == {key: number for number, key in enumerate(keys)}

    @pytest.mark.parametrize(
        "ttl", [0, -1, 0.0001, float("nan"), float("inf"), "5", timedelta(seconds=5), Decimal(5), True]
    )
    async def test_a_ttl_that_is_none_is_refused(self, cache: CacheProtocol, ttl: Any) -> None:
        """An invalid ttl is rejected, and nothing is stored."""
        with pytest.raises(ValueError, match="ttl"):
            await cache.set("key", 1, ttl)
        with pytest.raises(ValueError, match="ttl"):
            await cache.set_many({"key": 1}, ttl)
        assert not await cache.exists("key")

    async def test_an_expired_value_is_gone_for_every_method(self, cache: CacheProtocol, pass_time: PassTime) -> None:
        """No method finds an expired value, and other values are kept."""
        await cache.set("a", 1, _SOON)
        await cache.set_many({"b": 2, "c": 3}, _SOON)
        await cache.set_many({"late": 4}, 60)
        await cache.set("kept", 5)
        assert await cache.get_many("abc") == {"a": 1, "b": 2, "c": 3}
        await pass_time(2 * _SOON)
        assert [await cache.get("a"), await cache.exists("a"), await cache.delete("b")] == [None, False, False]
        assert await cache.get_many(["a", "b", "c", "late", "kept"]) == {"late": 4, "kept": 5}
        assert [await cache.ttl("c"), await cache.delete_pattern("?")] == [0, 0]

    async def test_the_last_set_says_how_long(self, cache: CacheProtocol, pass_time: PassTime) -> None:
        """The last `set` determines the expiry; reading does not extend it."""
        await cache.set("longer", 1, _SOON)
        await cache.set("longer", 2)
        await cache.set("shorter", 1)
        await cache.set("shorter", 2, _SOON)
        await pass_time(_SOON / 2)
        assert await cache.get("shorter") == 2
        await pass_time(_SOON)
        assert await cache.get_many(["longer", "shorter"]) == {"longer": 2}

    async def test_ttl_is_what_is_left(self, cache: CacheProtocol, pass_time: PassTime) -> None:
        """`ttl` returns the remaining seconds, 0 for a missing value, and None for one that never expires."""
        await cache.set("key", 1, 100)
        await pass_time(0.1)
        left = await cache.ttl("key")
        assert left is not None
        assert 50 < left <= 99.9
        await cache.set("key", 1)
        assert [await cache.ttl("key"), await cache.ttl("other")] == [None, 0]

    @pytest.mark.parametrize(
        ("pattern", "gone"),
        [
            ("user:*", ["user:", "user:1", "user:1:name", "user:é\n"]),
            ("*:1", ["user:1"]),
            ("*", ["user:", "user:1", "user:1:name", "user:é\n", "User:2", "a*b", "a[x]b", "aab"]),
            ("user:?", ["user:1"]),
            ("user:??", ["user:é\n"]),
            ("*s*r*1*", ["user:1", "user:1:name"]),
            ("user:1", ["user:1"]),
            ("a*b", ["a*b", "a[x]b", "aab"]),
            ("a\\*b", ["a*b"]),
            ("a[x]b", ["a[x]b"]),
            ("a\\[x\\]b", ["a[x]b"]),
            ("\\u\\ser:1", ["user:1"]),
            ("nobody*", []),
            ("*a*a*a*a*a*a*a*a*a*a*a*a*a*z", []),
        ],
    )
    async def test_a_pattern_deletes_what_it_means(self, cache: CacheProtocol, pattern: str, gone: list[str]) -> None:
        """A pattern deletes the matching keys and returns their number."""
        keys = ["user:", "user:1", "user:1:name", "user:é\n", "User:2", "a*b", "a[x]b", "aab"]
        await cache.set_many(dict.fromkeys(keys, 1))
        assert await cache.delete_pattern(pattern) == len(gone)
        assert sorted(await cache.get_many(keys)) == sorted({*keys} - {*gone})

    async def test_a_pattern_that_ends_in_its_escape_is_refused(self, cache: CacheProtocol) -> None:
        """A trailing single backslash is rejected; two backslashes match one."""
        await cache.set("a\\", 1)
        with pytest.raises(ValueError, match="backslash"):
            await cache.delete_pattern("a\\")
        assert await cache.delete_pattern("a\\\\") == 1
