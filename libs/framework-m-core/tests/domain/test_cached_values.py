"""Cached values: whatever a document holds comes back from text as it was, of its types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.cached_values import MAX_TEXT, decode_cached, encode_cached
from framework_m_testing.strategies import json_values

_keys = st.sampled_from(["$", "$$", "$decimal", "$$uuid", "$date"]) | st.text(max_size=3)
_plain = (
    json_values()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
    | st.uuids()
)
_values = st.recursive(_plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3))


@given(_values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    text = encode_cached(value)
    assert text.isascii()
    assert repr(decode_cached(text)) == repr(value)


def test_a_value_is_as_long_and_as_deep_as_may_be() -> None:
    assert len(decode_cached(encode_cached("x" * (MAX_TEXT - 2)))) == MAX_TEXT - 2
    with pytest.raises(ValueError, match=r"\b1000000\b.*\b1000001\b"):
        encode_cached("x" * (MAX_TEXT - 1))
    deep: Any = Decimal(1)
    for _ in range(64):
        deep = [deep]
    assert decode_cached(encode_cached(deep)) == deep
    with pytest.raises(ValueError, match=r"\b64 levels"):
        encode_cached([deep])


def test_a_moment_out_of_the_calendar_of_utc_is_refused() -> None:
    with pytest.raises(ValueError, match=r"calendar\b.*\bUTC\b"):
        encode_cached(datetime.min.replace(tzinfo=timezone(timedelta(hours=1))))


def test_an_error_says_what_came() -> None:
    with pytest.raises(ValueError, match=r"\blist or dict\b.*\btuple\b"):
        encode_cached({"rows": [(1, 2)]})
