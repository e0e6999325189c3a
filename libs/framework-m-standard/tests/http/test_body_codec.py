"""Bodies: exact, bounded, JSON objects and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.errors import ValidationError
from framework_m_standard.http.wire.body_codec import decode_json, decode_object, read_body
from framework_m_standard.http.wire.json_scan import find_repeated_key
from framework_m_standard.http.wire.request_errors import BodyTooLargeError, MalformedBodyError, MediaTypeError

JSON = {b"content-type": b"application/json"}

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values))
def test_what_json_says_is_what_comes(body: dict[str, Any]) -> None:
    assert decode_object(JSON, json.dumps(body).encode()) == body
    assert decode_object(JSON, json.dumps(body, ensure_ascii=False).encode()) == body


@given(st.decimals(allow_nan=False, allow_infinity=False).filter(lambda value: "." in str(value)))
def test_decimals_lose_no_digit(value: Decimal) -> None:
    assert str(decode_object(JSON, f'{{"a": {value}}}'.encode())["a"]) == str(value)


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused(body: bytes) -> None:
    with suppress(MalformedBodyError):
        assert isinstance(decode_object(JSON, body), dict)


@given(values)
def test_no_key_of_valid_json_is_repeated(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert find_repeated_key(text.encode(), value) is None, text
        assert decode_json(text) == value, text


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"a":1}',
        '{"a":{"b":1,"c":[{"b":1},{"d":1,"d":2}]}}',
        '{"a":":","a":":"}',
        r'{"\u0061":1,"a":2}',
        r'{"a\"":1, "a\"" : 2}',
        r'[{"\\":":","\\":[]}]',
    ],
)
def test_a_repeated_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\bkey\b.*\bonce\b.*'.*' twice"):
        decode_json(text)
    if text.startswith("{"):
        with pytest.raises(MalformedBodyError, match="once"):
            decode_object(JSON, text.encode())


def test_looking_for_a_repeated_key_takes_one_walk() -> None:
    """A key that is compared with all before it would take minutes here."""
    keys = [f"k{number}" for number in range(200_000)]
    text = "{" + ",".join(f'"{key}":1' for key in [*keys, keys[-1]]) + "}"
    with pytest.raises(ValueError, match="got '…' twice"):
        decode_json(text)


def test_an_integer_of_thousands_of_digits_is_out_of_bounds() -> None:
    with pytest.raises(ValidationError) as refused:
        decode_object(JSON, b'{"a":' + b"9" * 5_000 + b"}")
    assert [error.code for error in refused.value.errors] == ["out_of_bounds"]
    with pytest.raises(ValueError, match="within 64 bits"):
        decode_json("9" * 5_000)


BAD = [
    b"",
    b" ",
    b"[]",
    b"null",
    b'"text"',
    b"1",
    b"{",
    b'{"a":1}x',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":01}',
    b'{"a":1e99999999999999999999}',
    b'{"a":"\\ud800"}',
    b'{"a":"\\ud800x"}',
    b'{"a":"\\ud800\\u0041"}',
    b'{"a":"\\udc00"}',
    b'{"\\ud800":1}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b'{"a":' * 100_000,
    b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    b"{'a':1}",
    b'{"a":1,}',
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        decode_object(JSON, body)


def test_an_empty_body_may_stand_for_nothing() -> None:
    assert decode_object({}, b"", optional=True) == {}
    with pytest.raises(MalformedBodyError):
        decode_object({}, b"")


@pytest.mark.parametrize(
    "media",
    [b"application/json", b"APPLICATION/JSON", b"application/json; charset=UTF-8", b'application/json;charset="utf-8"',
     b"application/merge-patch+json", b"application/json ; odata=x"],
)  # fmt: skip
def test_json_by_any_name(media: bytes) -> None:
    assert decode_object({b"content-type": media}, b"{}") == {}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"content-type": b""},
        {b"content-type": b"text/json"},
        {b"content-type": b"application/x-www-form-urlencoded"},
        {b"content-type": b"application/jsonx"},
        {b"content-type": b"text/plain+json"},
        {b"content-type": b"application/json; charset=latin-1"},
        {**JSON, b"content-encoding": b"gzip"},
    ],
)
def test_other_media_are_refused(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(MediaTypeError):
        decode_object(headers, b"{}")


def test_a_wrong_media_type_counts_without_a_body_too() -> None:
    with pytest.raises(MediaTypeError):
        decode_object({b"content-type": b"text/plain"}, b"", optional=True)


def test_json_in_a_parameter() -> None:
    assert decode_json("[1.50]") == [Decimal("1.50")]
    assert not math.isnan(decode_json("1"))
    for text in ("[", "NaN", "[" * 100_000):
        with pytest.raises(ValueError, match=r".+"):
            decode_json(text)


class Chunks:
    """A client that sends chunks, and counts how many were taken."""

    def __init__(self, chunks: Sequence[bytes], *, leaves: bool = False) -> None:
        self.chunks = list(chunks)
        self.taken = 0
        self.leaves = leaves

    async def __call__(self) -> dict[str, Any]:
        if self.taken == len(self.chunks):
            return {"type": "http.disconnect"}
        chunk = self.chunks[self.taken]
        self.taken += 1
        return {"type": "http.request", "body": chunk, "more_body": self.leaves or self.taken < len(self.chunks)}


@pytest.mark.parametrize("chunks", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"", b"abc"]])
async def test_chunks_make_one_body(chunks: list[bytes]) -> None:
    assert await read_body({}, Chunks(chunks), 3) == b"".join(chunks)


async def test_reading_ends_where_the_limit_is_passed() -> None:
    client = Chunks([b"x" * 10] * 100)
    with pytest.raises(BodyTooLargeError):
        await read_body({}, client, 25)
    assert client.taken == 3


async def test_one_large_message_is_too_much_as_well() -> None:
    with pytest.raises(BodyTooLargeError):
        await read_body({}, Chunks([b"x" * 11]), 10)


async def test_a_stated_length_past_the_limit_is_not_even_read() -> None:
    client = Chunks([b"x"])
    with pytest.raises(BodyTooLargeError):
        await read_body({b"content-length": b"11"}, client, 10)
    assert client.taken == 0


async def test_half_a_body_is_none() -> None:
    with pytest.raises(MalformedBodyError):
        await read_body({}, Chunks([b"{"], leaves=True), 10)
