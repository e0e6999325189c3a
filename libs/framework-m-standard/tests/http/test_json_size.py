"""JSON of too many values is refused before it is decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from framework_m_core.domain.errors import ValidationError
from framework_m_standard.http.wire.body_codec import decode_object
from framework_m_standard.http.wire.json_scan import count_values
from framework_m_testing.strategies import json_values

_HEADERS = {b"content-type": b"application/json"}
_MAX = 500_000


def _count(value: Any) -> int:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    empty = isinstance(value, (dict, list)) and not parts
    return 1 + empty + sum(_count(part) for part in parts)


@given(json_values())
def test_all_values_are_counted(value: Any) -> None:
    assert count_values(json.dumps(value).encode()) == _count(value)


@pytest.mark.parametrize("text", [r'"\\"', r'"\\\""', r'"a\",[{\\"', '",,[[{{"', r'{"\"": "\\\\"}'])
def test_what_stands_in_strings_is_not_counted(text: str) -> None:
    assert count_values(text.encode()) == _count(json.loads(text))


@pytest.mark.parametrize("value", ["{}", "[]", "1", "1.5", "null", '"a"', '{"a": 1}', "[[]]"])
def test_a_body_of_too_many_values_is_refused(value: str) -> None:
    body = b'{"rows": [' + b",".join([value.encode()] * (_MAX + 1)) + b"]}"
    with pytest.raises(ValidationError) as refused:
        decode_object(_HEADERS, body)
    assert [(error.code, error.params) for error in refused.value.errors] == [("out_of_bounds", {"max_values": _MAX})]


def test_keys_alone_do_not_hide_values() -> None:
    body = b"{" + b",".join(b'"%d":""' % number for number in range(2 * _MAX)) + b"}"
    with pytest.raises(ValidationError):
        decode_object(_HEADERS, body)


@pytest.mark.parametrize("strings", [2 * _MAX - 1, 2 * _MAX, 2 * _MAX + 1])
def test_no_number_of_strings_hides_other_values(strings: int) -> None:
    body = b'{"rows": [' + b",".join([b'""'] * strings + [b"1"] * _MAX) + b"]}"
    with pytest.raises(ValidationError):
        decode_object(_HEADERS, body)


def test_a_long_text_is_one_value() -> None:
    text = "a,b,[{" * 1_000_000
    assert decode_object(_HEADERS, json.dumps({"csv": text}).encode()) == {"csv": text}


def test_values_up_to_the_bound_are_taken() -> None:
    body = b'{"rows": [' + b",".join([b"1"] * (_MAX - 3)) + b"]}"
    assert len(decode_object(_HEADERS, body)["rows"]) == _MAX - 3
