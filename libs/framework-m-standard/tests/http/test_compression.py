"""Compressed responses: who gets them, how they are negotiated, and what is never compressed."""

from __future__ import annotations

import asyncio
import gzip
import sys
import threading
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_standard.http.wire import compression as module
from framework_m_standard.http.wire.compression import MIN_BYTES, Coding, Compressor, choose_coding, without_coding
from framework_m_standard.http.wire.responses import JSON, RawResponse

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LONG = "prices and margins of the quarter, " * 100


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        (b"", None),
        (b"identity", None),
        (b"br", None),
        (b"gzip", "gzip"),
        (b"GZIP", "gzip"),
        (b"x-gzip", "gzip"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"gzip;q=1.0, zstd;q=0.5", "gzip"),
        (b"gzip; q=0.5 , zstd; q=0.5", "zstd"),
        (b"gzip;q=0", None),
        (b"zstd;q=0, gzip;q=0.001", "gzip"),
        (b"*", "zstd"),
        (b"*;q=0, gzip", "gzip"),
        (b"zstd;q=0, *", "gzip"),
        (b"gzip;q=loud", None),
        (b"gzip;level=9", None),
    ],
)
def test_the_coding_that_the_client_prefers(accepted: bytes | None, coding: str | None) -> None:
    preferred = choose_coding(accepted)
    assert (preferred.name if preferred else None) == coding


@given(st.binary(max_size=80))
def test_any_header_chooses_a_coding_or_none(header: bytes) -> None:
    preferred = choose_coding(header)
    assert preferred is None or preferred.name in {"gzip", "zstd"}


@given(st.binary(max_size=200), st.sampled_from([1, 40, 4000]), st.sampled_from([b"gzip", b"zstd", None]))
async def test_what_was_compressed_reads_back(part: bytes, times: int, accepted: bytes | None) -> None:
    body = part * times
    sent = await Compressor().compress(RawResponse(200, body, (JSON, (b"etag", b'"a"'))), accepted)
    headers = dict(sent.headers)
    match headers.get(b"content-encoding"):
        case b"gzip":
            assert gzip.decompress(sent.body) == body
            assert headers[b"etag"] == b'"a-gz"'
        case b"zstd":
            assert zstd.decompress(sent.body) == body
            assert headers[b"etag"] == b'"a-zst"'
        case _:
            assert sent == RawResponse(200, body, (JSON, (b"etag", b'"a"')))
            assert accepted is None or len(body) < MIN_BYTES or len(zlib.compress(body, 1)) > len(body) * 0.9
    assert len(sent.body) <= len(body)
    assert without_coding(headers[b"etag"].decode()) == '"a"'


async def test_few_large_bodies_are_compressed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond are sent as they are, and a cancelled request keeps its thread until it is done."""
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def encode(body: bytes) -> bytes:
        begun.release()
        go_on.wait(30)
        return body[:100]

    monkeypatch.setattr(module, "_CODINGS", (Coding("zstd", b"-zst", encode), Coding("gzip", b"-gz", encode)))
    compressor, large = Compressor(), RawResponse(200, b"x" * 100_000, ())
    waiting = [asyncio.create_task(compressor.compress(large, b"gzip")) for _ in range(2)]
    for _ in waiting:
        await asyncio.to_thread(begun.acquire)
    waiting[0].cancel()
    assert await compressor.compress(large, b"gzip") == large
    go_on.set()
    assert len((await waiting[1]).body) == 100
    assert len((await compressor.compress(large, b"gzip")).body) == 100


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "path", ["/api/v1/Tag?fields=text", "/api/v1/Tag/long", "/api/meta/Sale", "/schema/openapi.json"]
)
async def test_a_large_answer_is_compressed_and_revalidated(site: Any, path: str, coding: str) -> None:
    async with site.client("admin") as client:
        await client.post("/api/v1/Tag", json={"name": "long", "text": LONG})
        plain = await client.get(path, headers={"accept-encoding": "identity"})
        coded = await client.get(path, headers={"accept-encoding": coding})
        assert "content-encoding" not in plain.headers
        assert coded.headers["content-encoding"] == coding
        assert int(coded.headers["content-length"]) < len(plain.content) / 2
        assert _decoded(coded) == plain.content
        assert coded.headers["etag"] == _suffixed(plain.headers["etag"], coding)
        for response in (plain, coded):
            assert {"accept-encoding", "authorization"} <= set(response.headers["vary"].split(", ")), response.headers
        for tag in (coded.headers["etag"], f"W/{coded.headers['etag']}", f'"other", {coded.headers["etag"]}'):
            again = await client.get(path, headers={"accept-encoding": coding, "if-none-match": tag})
            assert (again.status_code, again.content) == (304, b""), tag
            assert again.headers["etag"] == coded.headers["etag"], tag
            assert "accept-encoding" in again.headers["vary"].split(", "), tag


async def test_a_write_takes_the_tag_of_a_compressed_answer(site: Any) -> None:
    async with site.client("boss") as client:
        await client.post("/api/v1/Tag", json={"name": "long", "text": LONG})
        read = await client.get("/api/v1/Tag/long", headers={"accept-encoding": "gzip"})
        assert read.headers["content-encoding"] == "gzip"
        tag = {"if-match": read.headers["etag"]}
        assert (await client.put("/api/v1/Tag/long", json={"text": "short"}, headers=tag)).status_code == 200
        assert (await client.put("/api/v1/Tag/long", json={"text": "again"}, headers=tag)).status_code == 412


async def test_documents_with_sensitive_fields_are_sent_as_they_are(site: Any) -> None:
    document = await site.make(title=LONG, secret="hidden")
    async with site.client("boss") as client:
        for path in ("/api/v1/Sale", f"/api/v1/Sale/{document['id']}"):
            response = await client.get(path, headers={"accept-encoding": "gzip, zstd"})
            assert len(response.content) > MIN_BYTES, path
            assert "content-encoding" not in response.headers, path


async def test_small_answers_and_errors_stay_as_they_are(site: Any) -> None:
    async with site.client("boss") as client:
        await client.post("/api/v1/Tag", json={"name": "short"})
        for path in ("/api/v1/Tag/short", "/api/v1/Tag?fields=text", "/api/v1/Nothing", "/health"):
            response = await client.get(path, headers={"accept-encoding": "gzip, zstd"})
            assert "content-encoding" not in response.headers, path
            assert "accept-encoding" not in response.headers.get("vary", ""), path


async def test_a_head_describes_the_compressed_answer(site: Any) -> None:
    async with site.client("boss", **{"accept-encoding": "gzip"}) as client:
        await client.post("/api/v1/Tag", json={"name": "long", "text": LONG})
        for path in ("/api/v1/Tag", "/api/meta/Sale"):
            got, head = await client.get(path), await client.head(path)
            for name in ("content-encoding", "content-length", "etag", "vary"):
                assert head.headers[name] == got.headers[name], (path, name)
            assert head.content == b"", path


def _decoded(response: Any) -> bytes:
    """Return the content as the client's library decoded it, or by ours for codings that it lacks."""
    content: bytes = response.content
    if response.headers["content-encoding"] == "zstd" and content.startswith(b"\x28\xb5\x2f\xfd"):
        return zstd.decompress(content)
    return content


def _suffixed(tag: str, coding: str) -> str:
    return f'{tag[:-1]}-{"gz" if coding == "gzip" else "zst"}"'
