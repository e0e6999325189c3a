"""RFC 9110, section 13: conditional requests."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import JSON, SALE, Wire, request
from .documents import LIST, create

MATCHES: Final = (
    "{tag}", "W/{tag}", '"x", {tag}', '{tag}, "x"', '"x" , {tag}', "*", ",{tag}", '"x",,{tag}', "W/\"x\", W/{tag}",
    '"a,b", {tag}', "{tag},",
)  # fmt: skip
MISSES: Final = (
    '"x"',
    'W/"x"',
    '"x", "y"',
    "nonsense",
    '"',
    '""',
    "w/{tag}",
    '"x{bare}"',
    "{bare}",
    "W{tag}",
    "'{bare}'",
)


def of(pattern: str, tag: str) -> str:
    """Return a list of tags."""
    return pattern.replace("{tag}", tag).replace("{bare}", tag.strip('"'))


@pytest.mark.parametrize("pattern", MATCHES)
async def test_13_1_2_if_none_match_compares_weakly(wire: Wire, pattern: str) -> None:
    made = await create(wire)
    response = await wire.ask(
        request(f"GET {made.headers['location']}", f"If-None-Match: {of(pattern, made.headers['etag'])}")
    )
    assert (response.status, response.body) == (304, b"")


@pytest.mark.parametrize("pattern", MISSES)
async def test_13_1_2_a_tag_that_is_not_listed_does_not_match(wire: Wire, pattern: str) -> None:
    made = await create(wire)
    field = f"If-None-Match: {of(pattern, made.headers['etag'])}"
    assert (await wire.ask(request(f"GET {made.headers['location']}", field))).status in (200, 400)


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_13_1_2_a_write_with_if_none_match_is_412(wire: Wire, method: str) -> None:
    made = await create(wire)
    for value in ("*", made.headers["etag"]):
        body = b'{"title": "two", "_version": 1}'
        sent = request(f"{method} {made.headers['location']}", JSON, f"If-None-Match: {value}", body=body)
        assert (await wire.ask(sent)).status == 412, value


@pytest.mark.parametrize("pattern", MATCHES)
async def test_13_1_1_if_match_lets_a_write_through(wire: Wire, pattern: str) -> None:
    made = await create(wire)
    field = f"If-Match: {of(pattern, made.headers['etag'])}"
    response = await wire.ask(request(f"PATCH {made.headers['location']}", JSON, field, body=b'{"title": "two"}'))
    assert response.status == 200


@pytest.mark.parametrize("pattern", MISSES)
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
async def test_13_1_1_if_match_of_another_tag_is_412(wire: Wire, pattern: str, method: str) -> None:
    made = await create(wire)
    field = f"If-Match: {of(pattern, made.headers['etag'])}"
    response = await wire.ask(request(f"{method} {made.headers['location']}", JSON, field, body=b'{"title": "two"}'))
    assert response.status in (412, 400)
    assert (await wire.ask(request(f"GET {made.headers['location']}"))).json["title"] == "one"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "PUT"])
async def test_13_1_1_if_match_any_of_nothing_is_refused(wire: Wire, method: str) -> None:
    missing = f"{LIST}/01890000-0000-7000-8000-000000000001"
    response = await wire.ask(
        request(f"{method} {missing}", JSON, "If-Match: *", body=SALE if method != "GET" else b"")
    )
    assert response.status in (404, 412)


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since"])
@pytest.mark.parametrize("value", ["Sat, 01 Jan 2000 00:00:00 GMT", "nonsense", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_13_1_3_dates_are_ignored_where_no_last_modified_is_sent(wire: Wire, name: str, value: str) -> None:
    made = await create(wire)
    response = await wire.ask(request(f"GET {made.headers['location']}", f"{name}: {value}"))
    assert response.status == 200 and "last-modified" not in response.headers


async def test_13_2_1_a_precondition_is_looked_at_after_rights(wire: Wire) -> None:
    made = await create(wire)
    sent = request(f"GET {made.headers['location']}", f"If-None-Match: {made.headers['etag']}", by="nobody")
    assert (await wire.ask(sent)).status == 403
