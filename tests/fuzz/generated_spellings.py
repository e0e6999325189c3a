"""A strategy for spellings of values as JSON text, by kind of field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from framework_m_testing.strategies import json_values, texts
from tests.fuzz.spellings import KNOWN

__all__ = ["spellings"]

_DATES: Final = (
    "2026-01-31",
    "0001-01-01",
    "9999-12-31",
    "2024-02-29",
    "2023-02-29",
    "20260131",
    "2026-W05-6",
    "2026W056",
    "2026-031",
    "2026-1-31",
    "0000-12-31",
    "10000-01-01",
    "-2026-01-31",
    "2026-13-01",
    "２０２６-01-31",
    "2026-01-31 ",
    "",
)
_TIMES: Final = (
    "12:00:00",
    "12:00",
    "12",
    "120000",
    "1200",
    "12:00:00.5",
    "12:00:00.123456",
    "12:00:00.1234567",
    "12:00:00,5",
    "24:00:00",
    "24:00:01",
    "23:59:60",
    "23:59:59.999999",
    "00:00",
    "1:00",
    "12:00:00.",
    "",
)
_ZONES: Final = (
    "Z",
    "z",
    "+00:00",
    "-00:00",
    "+0000",
    "+00",
    "+05:30",
    "-12:00",
    "+14:00",
    "+23:59",
    "-23:59",
    "+24:00",
    " Z",
    "UTC",
    "+01:00:30",
    "+01:00:30.5",
    "+1:00",
    "[UTC]",
    "",
)
_MOMENTS: Final = st.builds(
    lambda *parts: json.dumps("".join(parts)),
    st.sampled_from(_DATES),
    st.sampled_from(("T", " ", "t", "_", "", "  ")),
    st.sampled_from(_TIMES),
    st.sampled_from(_ZONES),
)
_DIGITS: Final = st.text("0123456789", max_size=20)
_NUMERALS: Final = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(("", "-", "+", " ", "--", "−")),
    _DIGITS,
    st.sampled_from(("", ".", ",", "_", "..")),
    _DIGITS,
    st.sampled_from(("", "e0", "E2", "e-2", "e+17", "e-19", "e99999", "e", " ", "f", "L")),
)
_NUMBERS: Final = (
    st.integers(-(2**63), 2**63 - 1).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**17), max_value=10**17).map(str)
    | st.sampled_from(
        ("-0", "0.0", "-0.0", "1E2", "1e+2", "0.10", "1e-7", "100000000000000000.0", "1e22", "1e16", "1e15")
    )
)
_KEYS: Final = st.builds(
    lambda form, key: json.dumps(form(str(key))),
    st.sampled_from(
        (
            str,
            str.upper,
            lambda key: key.replace("-", ""),
            lambda key: f"{{{key}}}",
            lambda key: f"urn:uuid:{key}",
            lambda key: key.replace("-", "", 1),
            lambda key: f" {key}",
            lambda key: f"{key}\n",
            lambda key: key[:-1],
            lambda key: key.replace("0", "０"),
        )
    ),
    st.uuids(),
)
_SEALS: Final = st.text("AQgw+/-_= \n", max_size=9).map(json.dumps)
_ANYTHING: Final = json_values().map(json.dumps)
_OWN: Final[Mapping[str, SearchStrategy[str]]] = {
    "moment": _MOMENTS,
    "day": _MOMENTS | st.sampled_from(_DATES).map(json.dumps),
    "amount": _NUMERALS.map(json.dumps) | _NUMBERS,
    "real": _NUMBERS,
    "integer": _NUMBERS,
    "size": _NUMBERS,
    "key": _KEYS,
    "seal": _SEALS,
    "words": st.lists(texts(), max_size=3).map(json.dumps),
    "numbers": st.lists(st.integers(-(2**63), 2**63 - 1) | st.booleans(), max_size=3).map(json.dumps),
    "mapping": st.dictionaries(texts(), json_values(), max_size=3).map(json.dumps),
}


def spellings(name: str) -> SearchStrategy[str]:
    """Return a strategy for JSON texts that clients may send for a field: its own, other kinds' and anything."""
    own = _OWN.get(name, texts().map(json.dumps))
    others = st.sampled_from([text for table in KNOWN.values() for text in table])
    return own | own | own | others | _ANYTHING | texts().map(json.dumps)
