"""RFC 9112: how messages begin and end. Each test names the section that it is about."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import pytest

from .conftest import JSON, SALE, Wire, request

GET: Final = request("GET /health")
POST: Final = "POST /api/v1/Sale"


async def refused(wire: Wire, sent: bytes, *statuses: int, code: str | None = None) -> None:
    """Expect one refusal, after which the connection is closed, so that no parser goes on within the message."""
    response = await wire.ask(sent)
    assert response.status in (statuses or (400,)), response
    assert code is None or json.loads(response.body)["code"] == code
    assert response.headers["connection"] == "close"
    assert await wire.is_closed()


async def test_2_2_an_empty_line_before_the_request_line_is_ignored(wire: Wire) -> None:
    assert (await wire.ask(b"\r\n" + GET)).status == 200


@pytest.mark.parametrize(
    "head", [b"GET /health HTTP/1.1\r\n Host: a\r\n\r\n", b"GET /health HTTP/1.1\r\n\tX: a\r\n\r\n"]
)
async def test_2_2_white_space_before_the_first_field_is_refused(wire: Wire, head: bytes) -> None:
    await refused(wire, head)


@pytest.mark.parametrize("value", [b"a\rb", b"a\x00b", b"a\r"])
async def test_2_2_a_bare_cr_or_nul_within_a_field_is_refused(wire: Wire, value: bytes) -> None:
    await refused(wire, b"GET /health HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % value)


@pytest.mark.parametrize(("ends", "statuses"), [(b"\n", {200, 400}), (b"\r\n", {200})])
async def test_2_2_a_bare_lf_ends_a_line_or_is_refused(wire: Wire, ends: bytes, statuses: set[int]) -> None:
    response = await wire.ask(ends.join([b"GET /health HTTP/1.1", b"Host: a", b"", b""]))
    assert response.status in statuses


@pytest.mark.parametrize(
    "version", ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1", "http/1.1", "HTTP/1.10", "HTTPS/1.1", "HTTP/11.1"]
)
async def test_2_3_only_versions_of_http_1_are_served(wire: Wire, version: str) -> None:
    await refused(wire, f"GET /health {version}\r\nHost: a\r\n\r\n".encode(), 400, 505)


@pytest.mark.parametrize(
    "line",
    [
        "GET  /health HTTP/1.1",
        "GET /health  HTTP/1.1",
        "GET /hea lth HTTP/1.1",
        "GET HTTP/1.1",
        "GET /health HTTP/1.1 x",
    ],
)
async def test_3_white_space_belongs_between_three_parts(wire: Wire, line: str) -> None:
    response = await wire.ask(f"{line}\r\nHost: a\r\n\r\n".encode())
    assert response.status in (200, 400) and (response.status == 400 or line.split() == ["GET", "/health", "HTTP/1.1"])


async def test_3_a_target_that_is_too_long_is_414(wire: Wire) -> None:
    await refused(wire, request(f"GET /{'x' * 70_000}"), 414, code="target_too_long")


async def test_3_1_methods_are_case_sensitive(wire: Wire) -> None:
    assert (await wire.ask(request("get /health"))).status in (400, 405, 501)


@pytest.mark.parametrize("method", ["BREW", "X" * 200])
async def test_3_1_an_unknown_method_is_refused(wire: Wire, method: str) -> None:
    assert (await wire.ask(request(f"{method} /health"))).status in (400, 501)


@pytest.mark.parametrize("target", ["/health", "http://a/health", "HTTP://A/health", "http://a:80/health?x"])
async def test_3_2_2_the_absolute_form_is_served(wire: Wire, target: str) -> None:
    assert (await wire.ask(request(f"GET {target}"))).status == 200


async def test_3_2_4_the_server_as_a_whole_has_options(wire: Wire) -> None:
    assert (await wire.ask(request("OPTIONS *"))).status in (200, 204, 400, 404)


@pytest.mark.parametrize(
    "field", [b"X : a", b"X\t: a", b": a", b"X", b"X\x00: a", b"X(y): a", b"\xc3\xa4: a", b"X y: a"]
)
async def test_5_1_a_name_is_a_token_without_blanks_after_it(wire: Wire, field: bytes) -> None:
    await refused(wire, b"GET /health HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n" % field)


@pytest.mark.parametrize("fold", [b" ", b"\t", b"   "])
async def test_5_2_a_folded_line_is_refused_or_read_as_blanks(wire: Wire, fold: bytes) -> None:
    sent = b"GET /api/v1/Sale HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n%sboss\r\n\r\n" % fold
    assert (await wire.ask(sent)).status in (200, 400, 401)


@pytest.mark.parametrize("field", [b"X: \t a \t", b"X:a", b"X:", b"X: \xff"])
async def test_5_blanks_around_a_value_and_opaque_bytes_are_taken(wire: Wire, field: bytes) -> None:
    assert (await wire.ask(b"GET /health HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n" % field)).status == 200


async def test_5_4_a_head_that_is_too_large_is_431(wire: Wire) -> None:
    await refused(wire, request("GET /health", f"X: {'x' * 70_000}"), 431, code="head_too_large")


async def test_5_4_very_many_fields_are_431(wire: Wire) -> None:
    await refused(wire, request("GET /health", *[f"X{number}: x" for number in range(7_000)]), 431)


@pytest.mark.parametrize("first", [1, 5_000, 20_000, 36_000, 40_000, 60_000])
async def test_5_4_so_they_are_in_two_pieces(wire: Wire, first: int) -> None:
    sent = request("GET /health", *[f"X{number}: x" for number in range(7_000)])
    await wire.send(sent[:first])
    await refused(wire, sent[first:], 431)


@pytest.mark.parametrize(
    "fields",
    [
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Content-Length: 0", "Transfer-Encoding: chunked"),
    ],
)
async def test_6_1_length_and_chunks_together_are_refused(wire: Wire, fields: tuple[str, ...]) -> None:
    await refused(wire, request(POST, JSON, *fields, body=b"0\r\n\r\n" + GET))


@pytest.mark.parametrize(
    "value",
    [
        "gzip",
        "identity",
        "chunked, identity",
        "chunked, gzip",
        "xchunked",
        "chunked x",
        "chunk",
        "",
        "chunked;a=b",
        '"chunked"',
        "\x0bchunked",
    ],
)
async def test_6_1_a_coding_that_does_not_end_in_chunked_is_refused(wire: Wire, value: str) -> None:
    await refused(wire, request(POST, JSON, f"Transfer-Encoding: {value}", body=b"0\r\n\r\n" + GET), 400, 501)


@pytest.mark.parametrize("value", ["gzip, chunked", "chunked, chunked", "identity, chunked"])
async def test_6_1_an_unknown_coding_before_chunked_is_refused(wire: Wire, value: str) -> None:
    await refused(wire, request(POST, JSON, f"Transfer-Encoding: {value}", body=b"0\r\n\r\n" + GET), 400, 501)


@pytest.mark.parametrize("lines", [("chunked", "chunked"), ("chunked", "identity"), ("identity", "chunked")])
async def test_6_1_two_lines_of_codings_are_one_list(wire: Wire, lines: tuple[str, str]) -> None:
    fields = [f"Transfer-Encoding: {line}" for line in lines]
    await refused(wire, request(POST, JSON, *fields, body=b"0\r\n\r\n" + GET), 400, 501)


@pytest.mark.parametrize("value", ["chunked", "Chunked", "CHUNKED", "chunked ", ", chunked", "chunked,"])
async def test_6_1_names_of_codings_ignore_case(wire: Wire, value: str) -> None:
    sent = request(POST, JSON, f"Transfer-Encoding: {value}", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(SALE), SALE))
    response = await wire.ask(sent)
    assert response.status == 201 or ("," in value and response.status == 400)


async def test_6_1_chunks_in_http_1_0_are_faulty(wire: Wire) -> None:
    sent = request(f"{POST} HTTP/1.0", JSON, "Transfer-Encoding: chunked", "Connection: keep-alive", body=b"0\r\n\r\n")
    response = await wire.ask(sent + GET)
    assert response.status == 400
    assert await wire.is_closed()


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "+3",
        "0x3",
        "3 3",
        "3,4",
        "3, 3",
        "a",
        "",
        "3.0",
        "1e1",
        "9" * 30,
        "18446744073709551616",
        "٣",
        "3;",
        "\x0b3",
        "3_0",
    ],
)
async def test_6_3_a_length_is_digits_alone(wire: Wire, value: str) -> None:
    sent = b"POST /api/v1/Sale HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\nabc" % value.encode()
    await refused(wire, sent, 400, 413)


@pytest.mark.parametrize("lengths", [("3", "4"), ("3", "3"), ("0", "3")])
async def test_6_3_two_lengths_are_refused(wire: Wire, lengths: tuple[str, str]) -> None:
    await refused(wire, request(POST, JSON, *[f"Content-Length: {length}" for length in lengths], body=b"abc"))


@pytest.mark.parametrize("length", ["016", "16"])
async def test_6_3_leading_zeros_do_not_change_a_length(wire: Wire, length: str) -> None:
    response = await wire.ask(request(POST, JSON, f"Content-Length: {length}", body=SALE))
    assert response.status == 201


async def test_6_3_a_post_without_a_length_has_no_body(wire: Wire) -> None:
    assert (await wire.ask(request(POST, JSON))).status == 400
    assert (await wire.ask(GET)).status == 200


@pytest.mark.parametrize(
    "chunks",
    [
        b"g\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"\r\n3\r\nabc\r\n0\r\n\r\n",
        b"3 3\r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffff1\r\nabc\r\n0\r\n\r\n",
        b"3\rabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b'3;a="b\r\nabc\r\n0\r\n\r\n',
        b"3_0\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcXX0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nX y: z\r\n\r\n",
        b"3;\x00\r\nabc\r\n0\r\n\r\n",
    ],
)
async def test_7_1_chunks_that_are_not_framed_so_are_refused(wire: Wire, chunks: bytes) -> None:
    await refused(wire, request(POST, JSON, "Transfer-Encoding: chunked", body=chunks))


@pytest.mark.parametrize("size", [b"10", b"0010", b"10;name", b"10;name=value", b'10;name="v"', b"10 ;name=value"])
async def test_7_1_1_sizes_and_extensions_are_read(wire: Wire, size: bytes) -> None:
    sent = request(POST, JSON, "Transfer-Encoding: chunked", body=b"%s\r\n%s\r\n0\r\n\r\n" % (size, SALE))
    response = await wire.ask(sent)
    assert response.status == 201 or (b" " in size and response.status == 400)


async def test_7_1_chunks_of_one_byte_are_one_body(wire: Wire) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in SALE) + b"0\r\n\r\n"
    assert (await wire.ask(request(POST, JSON, "Transfer-Encoding: chunked", body=chunks))).status == 201


@pytest.mark.parametrize(
    "trailer",
    ["Authorization: Bearer nobody", "Host: b", "Content-Length: 3", "X-Request-Id: x", "Content-Type: text/plain"],
)
async def test_7_1_2_trailers_change_nothing(wire: Wire, trailer: str) -> None:
    body = b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(SALE), SALE, trailer.encode())
    response = await wire.ask(request(POST, JSON, "Transfer-Encoding: chunked", body=body))
    assert response.status == 201 or (response.status == 400 and await wire.is_closed())
    assert response.status == 400 or (await wire.ask(GET)).status == 200


@pytest.mark.parametrize(
    "sent", [b"Content-Length: 99\r\n\r\n" + SALE, b"Transfer-Encoding: chunked\r\n\r\n10\r\n" + SALE]
)
async def test_8_an_incomplete_body_stores_nothing(wire: Wire, sent: bytes) -> None:
    await wire.send(request(POST, JSON)[:-2] + sent)
    wire.writer.write_eof()
    async with asyncio.timeout(5):
        assert await wire.reader.read() == b""


async def test_9_3_a_connection_stays_open(wire: Wire) -> None:
    for _ in range(3):
        response = await wire.ask(GET)
        assert (response.status, response.headers.get("connection", "keep-alive")) == (200, "keep-alive")


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "foo, CLOSE", "close,foo", "close ,"])
async def test_9_6_a_connection_is_closed_on_request_and_says_so(wire: Wire, value: str) -> None:
    response = await wire.ask(request("GET /health", f"Connection: {value}"))
    assert (response.status, response.headers["connection"]) == (200, "close")
    assert await wire.is_closed()


async def test_9_6_close_in_one_of_several_lines_counts(wire: Wire) -> None:
    response = await wire.ask(request("GET /health", "Connection: foo", "Connection: close"))
    assert response.headers["connection"] == "close"
    assert await wire.is_closed()


async def test_9_6_what_follows_a_last_request_is_not_served(wire: Wire) -> None:
    await wire.send(request("GET /health", "Connection: close") + request(POST, JSON, body=SALE))
    assert (await wire.response()).headers["connection"] == "close"
    assert await wire.is_closed()


@pytest.mark.parametrize("fields", [(), ("Connection: keep-alive",), ("Connection: close",)])
async def test_9_3_http_1_0_is_closed_and_told_so(wire: Wire, fields: tuple[str, ...]) -> None:
    response = await wire.ask(request("GET /health HTTP/1.0", *fields, host=False))
    assert (response.status, response.headers["connection"]) == (200, "close")
    assert await wire.is_closed()


async def test_9_3_http_1_0_gets_no_chunks(wire: Wire) -> None:
    response = await wire.ask(request("GET /schema/openapi.json HTTP/1.0"))
    assert response.status == 200 and "transfer-encoding" not in response.headers


async def test_9_3_2_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    paths = ["/health", "/nope", "/api/v1/Sale", "/api/v1/Nope", "/health"]
    await wire.send(
        b"".join(
            request(f"{'HEAD' if n == 1 else 'GET'} {path}", f"X-Request-Id: {n:032x}") for n, path in enumerate(paths)
        )
    )
    for number in range(len(paths)):
        assert (await wire.response(head=number == 1)).headers["x-request-id"] == f"{number:032x}"


async def test_9_3_2_a_write_among_pipelined_reads_is_in_its_place(wire: Wire) -> None:
    listed = request("GET /api/v1/Sale?count=exact")
    await wire.send(listed + request(POST, JSON, body=SALE) + listed)
    before, _, after = [(await wire.response()).json["total"] for _ in range(3)]
    assert after == before + 1


@pytest.mark.parametrize("size", [1, 3])
async def test_9_a_request_in_pieces_is_one_request(wire: Wire, size: int) -> None:
    sent = request(POST, JSON, body=SALE)
    for at in range(0, len(sent), size):
        await wire.send(sent[at : at + size])
    assert (await wire.response()).status == 201
