"""Paths: whole segments of what was sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_standard.http.wire.paths import decode_path, decode_reference, decode_segment, parse_uuid, raw_path_of
from framework_m_standard.http.wire.request_errors import RouteNotFoundError

ID = "01a1fc83-6783-7001-a8bb-86c7361c7f91"


@given(st.text(min_size=1).filter(lambda text: "\0" not in text and text.isprintable()))
def test_a_segment_is_what_was_encoded(text: str) -> None:
    assert decode_segment(quote(text, safe="").encode()) == text


@given(st.uuids())
def test_a_canonical_uuid_is_an_id(identifier: UUID) -> None:
    assert decode_reference(str(identifier).encode()) == identifier
    assert parse_uuid(str(identifier).upper()) == identifier


@given(st.text(max_size=40))
def test_what_is_taken_for_an_id_reads_back(text: str) -> None:
    known = parse_uuid(text)
    assert known is None or str(known) == text.lower()


@pytest.mark.parametrize(
    "text", ["{" + ID[:-2] + "}", "urn:uuid:" + ID[9:], ID.replace("-", ""), ID[:-1] + "_", "0x" + ID[2:], ID + "\n"]
)
def test_other_spellings_are_names(text: str) -> None:
    assert parse_uuid(text) is None


@pytest.mark.parametrize("segment", [b"", b"%ff", b"a%00b", b"%c0%af", b"\xff"])
def test_no_document_is_called_so(segment: bytes) -> None:
    with pytest.raises(RouteNotFoundError):
        decode_segment(segment)


def test_an_encoded_slash_stays_in_its_segment() -> None:
    assert decode_segment(b"a%2Fb") == "a/b"
    assert decode_path(b"/api/meta%2FSale/%41") == "/api/meta%2FSale/A"


def test_a_server_without_raw_paths() -> None:
    assert raw_path_of({"path": "/a b/ü"}) == b"/a%20b/%C3%BC"


NOWHERE = [
    "/api/v1x/Sale",
    "/api/v1/Sale/",
    "/api/v1/",
    "/api/v1",
    "/api/v1//",
    "/api/v1/Sale//",
    "/api/v1/Sale/x/submit/",
    "/api/v1/Sale/x/frobnicate",
    "/api/v1/Sale/x/submit/y",
    "/api//v1/Sale",
    "/schema//openapi.json",
    "/health//",
    "/shop//x",
    "/api/v1%2FSale",
    "/api%2Fv1/Sale",
    "/api/v1/Sale%2Fx",
    "/api/v1/Sale/%ff",
    "/api/v1/Sale/a%00b",
    "/api/v1/sale",
    "/api/v1/Hidden",
    "/api/v1/Line",
    "/api/v1/Nope",
    "/api/v1/auth%2Fme",
    "/api/meta%2FSale",
    "/api/meta/sale",
    "/api/meta/Hidden",
    "/-/refused",
    "/nope",
]


@pytest.mark.parametrize("path", NOWHERE)
async def test_nothing_is_here(site: Any, path: str) -> None:
    async with site.client("admin") as client:
        response = await client.get(path)
    assert response.status_code == 404, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/v1/Nope", "/api/v1/Hidden/x", "/api/v1/sale", "/api/meta/Nope", "/api/meta/Hidden"]
)
async def test_anonymous_callers_learn_no_doctype(site: Any, path: str) -> None:
    async with site.client() as client:
        assert (await client.get(path)).status_code == 401


async def test_plain_routes_win_over_the_mount(site: Any) -> None:
    async with site.client("boss") as client:
        assert (await client.get("/api/v1/auth/me")).json()["id"] == "boss"
        assert (await client.get("/api/v1/auth/nope")).status_code == 404


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/Sale", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/api/v1/Sale/x", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        ("/api/v1/Sale/x/submit", {"OPTIONS", "POST"}),
        ("/api/v1/auth/me", {"GET", "HEAD", "OPTIONS"}),
        ("/api/v1/auth/login", {"OPTIONS", "POST"}),
        ("/api/meta", {"GET", "HEAD", "OPTIONS"}),
        ("/health", {"GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_methods(site: Any, path: str, allow: set[str]) -> None:
    async with site.client("boss") as client:
        options = await client.options(path)
        wrong = await client.request("TRACE", path)
    assert options.status_code == 204
    assert set(options.headers["allow"].split(", ")) == allow
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].split(", ")) == allow
    assert wrong.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/api/v1/Sale", "/api/v1/Sale/{id}", "/api/meta", "/api/meta/Sale", "/health", "/ready"]
)
async def test_head_is_get_without_a_body(site: Any, path: str) -> None:
    path = path.replace("{id}", (await site.make())["id"])
    async with site.client("boss") as client:
        get, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
