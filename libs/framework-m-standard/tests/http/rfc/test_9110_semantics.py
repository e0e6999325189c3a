"""RFC 9110: methods, statuses and fields. Each test names the section that it is about."""

from __future__ import annotations

import gzip
import sys
from email.utils import parsedate_to_datetime
from typing import Final

import pytest

from .conftest import JSON, SALE, Wire, request
from .documents import LIST, TARGETS, create, target

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


async def test_4_2_3_an_encoded_letter_is_the_letter(wire: Wire) -> None:
    assert (await wire.ask(request("GET /api/v1/%53ale"))).status == (await wire.ask(request(f"GET {LIST}"))).status


@pytest.mark.parametrize("name", ["if-none-match", "IF-NONE-MATCH", "iF-nOnE-mAtCh"])
async def test_5_1_names_of_fields_ignore_case(wire: Wire, name: str) -> None:
    made = await create(wire)
    path, tag = made.headers["location"], made.headers["etag"]
    assert (await wire.ask(request(f"GET {path}", f"{name}: {tag}"))).status == 304


@pytest.mark.parametrize("name", ["If-None-Match", "Accept-Encoding", "Connection"])
async def test_5_3_lines_of_one_name_are_one_list(wire: Wire, name: str) -> None:
    made = await create(wire)
    path = "/schema/openapi.json" if name == "Accept-Encoding" else made.headers["location"]
    first, last = {
        "If-None-Match": ('"x"', made.headers["etag"]),
        "Accept-Encoding": ("br", "gzip"),
        "Connection": ("x", "close"),
    }[name]
    response = await wire.ask(request(f"GET {path}", f"{name}: {first}", f"{name}: {last}"))
    told = {
        "If-None-Match": response.status == 304,
        "Accept-Encoding": response.headers.get("content-encoding") == "gzip",
        "Connection": response.headers.get("connection") == "close",
    }
    assert told[name], response


@pytest.mark.parametrize("path", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE"])
async def test_6_6_1_each_response_has_a_date(wire: Wire, path: str, method: str) -> None:
    response = await wire.ask(request(f"{method} {await target(wire, path)}"))
    assert parsedate_to_datetime(response.headers["date"]).tzinfo is not None


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"]
)
async def test_6_6_1_errors_of_the_parser_have_a_date(wire: Wire, sent: bytes) -> None:
    response = await wire.ask(sent)
    assert response.status == 400 and parsedate_to_datetime(response.headers["date"]).tzinfo is not None


@pytest.mark.parametrize("path", TARGETS)
@pytest.mark.parametrize("accepted", ["identity", "gzip"])
async def test_9_3_2_head_is_get_without_the_body(wire: Wire, path: str, accepted: str) -> None:
    where, field = await target(wire, path), f"Accept-Encoding: {accepted}"
    got, head = await wire.ask(request(f"GET {where}", field)), await wire.ask(request(f"HEAD {where}", field))
    per_response = {"date", "x-request-id"}
    assert head.status == got.status
    shown = [{name: value for name, value in one.fields if name not in per_response} for one in (got, head)]
    assert shown[1] == shown[0] or (
        got.status >= 400 and {**shown[1], "content-length": ""} == {**shown[0], "content-length": ""}
    )
    assert (await wire.ask(request("GET /health"))).status == 200


@pytest.mark.parametrize("path", ["/health", LIST, "/api/meta", "/schema/openapi.json", "DOCUMENT"])
async def test_9_3_1_a_body_of_get_means_nothing_and_is_consumed(wire: Wire, path: str) -> None:
    where = await target(wire, path)
    assert (await wire.ask(request(f"GET {where}", body=request("DELETE /api/v1/Sale")))).status == 200
    assert (await wire.ask(request("GET /health"))).status == 200


@pytest.mark.parametrize(
    "path",
    ["/health", LIST, "/api/meta", "/schema/openapi.json", "DOCUMENT", "/api/v1/auth/login", "/api/v1/rpc/Sale/greet"],
)
async def test_10_2_1_options_and_405_name_the_same_methods(wire: Wire, path: str) -> None:
    where = await target(wire, path)
    options = await wire.ask(request(f"OPTIONS {where}"))
    assert options.status in (200, 204)
    assert options.status == 204 or options.headers["content-length"] == str(len(options.body))
    allowed = {method.strip() for method in options.headers["allow"].split(",")}
    assert "OPTIONS" in allowed and ("HEAD" in allowed) is ("GET" in allowed)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
        response = await wire.ask(request(f"{method} {where}", JSON, body=b"[" if method != "GET" else b""))
        assert (response.status == 405) is (method not in allowed), (method, response.status, allowed)
        if response.status == 405:
            assert {one.strip() for one in response.headers["allow"].split(",")} == allowed, method


async def test_9_3_8_trace_echoes_nothing(wire: Wire) -> None:
    response = await wire.ask(request("TRACE /health", "X-Secret: told"))
    assert response.status in (400, 405, 501) and b"told" not in response.body


async def test_10_1_1_100_continue_comes_before_the_body(wire: Wire) -> None:
    await wire.send(request(f"POST {LIST}", JSON, "Expect: 100-continue", f"Content-Length: {len(SALE)}"))
    assert (await wire.response()).status == 100
    assert (await wire.ask(SALE)).status == 201


async def test_10_1_1_100_continue_in_any_case(wire: Wire) -> None:
    await wire.send(request(f"POST {LIST}", JSON, "Expect: 100-Continue", f"Content-Length: {len(SALE)}"))
    assert (await wire.response()).status == 100
    assert (await wire.ask(SALE)).status == 201


async def test_10_1_1_a_body_that_is_there_needs_no_100(wire: Wire) -> None:
    await wire.send(request(f"POST {LIST}", JSON, "Expect: 100-continue", body=SALE))
    first = await wire.response()
    assert (first if first.status != 100 else await wire.response()).status == 201


async def test_10_1_1_an_error_comes_in_place_of_100(wire: Wire) -> None:
    await wire.send(request(f"POST {LIST}", JSON, "Expect: 100-continue", "Content-Length: 5", by="wrong"))
    assert (await wire.response()).status == 401


async def test_10_1_1_too_large_a_body_is_refused_in_place_of_100(wire: Wire) -> None:
    await wire.send(request(f"POST {LIST}", JSON, "Expect: 100-continue", f"Content-Length: {1 << 30}"))
    assert (await wire.response()).status == 413


async def test_10_1_1_http_1_0_gets_no_100(wire: Wire) -> None:
    await wire.send(request(f"POST {LIST} HTTP/1.0", JSON, "Expect: 100-continue", body=SALE))
    assert (await wire.response()).status == 201


async def test_10_1_1_an_unknown_expectation_is_417_or_ignored(wire: Wire) -> None:
    assert (await wire.ask(request(f"POST {LIST}", JSON, "Expect: wonders", body=SALE))).status in (201, 417)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_11_1_names_of_schemes_ignore_case(wire: Wire, scheme: str) -> None:
    assert (await wire.ask(request(f"GET {LIST}", f"Authorization: {scheme} boss", by=None))).status == 200


@pytest.mark.parametrize(
    "value", ["Bearer wrong", "Bearer", "Digest x", "boss", "", "Bearer boss boss", "Bearer boss, Bearer boss"]
)
async def test_11_6_1_401_names_the_schemes(wire: Wire, value: str) -> None:
    response = await wire.ask(request(f"GET {LIST}", f"Authorization: {value}", by=None))
    assert response.status == 401 and response.headers["www-authenticate"].lower().startswith("bearer")


async def test_11_6_2_two_credentials_are_refused(wire: Wire) -> None:
    response = await wire.ask(
        request(f"GET {LIST}", "Authorization: Bearer boss", "Authorization: Bearer nobody", by=None)
    )
    assert response.status in (400, 401)


@pytest.mark.parametrize(
    "accept",
    ["*/*", "text/html", "application/xml", "application/json;q=0", "", "nonsense", "a/b;q=9", "application/*"],
)
async def test_12_5_1_json_is_served_whatever_is_accepted(wire: Wire, accept: str) -> None:
    response = await wire.ask(request(f"GET {LIST}", f"Accept: {accept}"))
    assert (response.status, response.headers["content-type"]) == (200, "application/json")


CODINGS: Final = {
    "gzip": ("gzip",),
    "zstd": ("zstd",),
    "GZIP": ("gzip",),
    "x-gzip": ("gzip",),
    "gzip, zstd": ("gzip", "zstd"),
    "gzip;q=1, zstd;q=0.5": ("gzip",),
    "gzip;q=0.5, zstd;q=1": ("zstd",),
    "gzip;q=0": (None,),
    "gzip;q=0.000": (None,),
    "gzip ; q=0": (None,),
    "gzip;Q=0, zstd": ("zstd",),
    "*": ("gzip", "zstd"),
    "*;q=0": (None,),
    "*;q=0, gzip": ("gzip",),
    "gzip;q=0, *": ("zstd",),
    "identity": (None,),
    "identity;q=1, gzip;q=0.5": (None,),
    "identity;q=0.5, gzip;q=1": ("gzip",),
    "identity, gzip;q=0.1": (None,),
    "identity, *;q=0.1": (None,),
    "gzip;q=0.5, *;q=1": ("zstd",),
    "identity;q=0, gzip": ("gzip",),
    "identity;q=0": (None,),
    "br": (None,),
    "br, gzip;q=0.1": ("gzip",),
    "": (None,),
    ",,gzip,": ("gzip",),
    "gzip;q=nonsense": (None, "gzip"),
    "gzip;q=2": (None, "gzip"),
    "deflate, gzip;q=1.0, *;q=0.5": ("gzip",),
}


@pytest.mark.parametrize("accepted", CODINGS)
async def test_12_5_3_a_coding_is_chosen_by_weight(wire: Wire, accepted: str) -> None:
    path = (await create(wire, extra={"a": "x" * 3000}, secret=None)).headers["location"]
    plain = await wire.ask(request("GET /schema/openapi.json"))
    response = await wire.ask(request("GET /schema/openapi.json", f"Accept-Encoding: {accepted}"))
    coding = response.headers.get("content-encoding")
    assert (response.status, coding in CODINGS[accepted]) == (200, True), (coding, path)
    decode = {"gzip": gzip.decompress, "zstd": zstd.decompress}.get(coding or "", bytes)
    assert decode(response.body) == plain.body
    assert "accept-encoding" in response.headers["vary"]
    assert response.headers["etag"] != plain.headers["etag"] or coding is None


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/json", 201), ("Application/JSON", 201), ("application/json; charset=utf-8", 201),
        ("application/json;charset=UTF-8", 201), ('application/json; charset="utf-8"', 201),
        ("application/json ; charset=utf-8", 201), ("application/json; x=y", 201), ("application/json;", 201),
        ("application/vnd.a+json", 201), ("application/json; charset=latin-1", 415), ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415), ("json", 415),
        ("application/jsonp", 415), ("application/json, text/plain", 415), ("", 415), ("application/", 415),
        ("application/json; charset=utf-8; charset=latin-1", 415), ("text/json", 415),
    ],
)  # fmt: skip
async def test_8_3_a_body_is_of_the_stated_media_type(wire: Wire, media: str, status: int) -> None:
    assert (await wire.ask(request(f"POST {LIST}", f"Content-Type: {media}", body=SALE))).status == status


async def test_8_3_a_body_of_no_media_type_is_415(wire: Wire) -> None:
    assert (await wire.ask(request(f"POST {LIST}", body=SALE))).status == 415


async def test_8_3_two_media_types_are_refused(wire: Wire) -> None:
    assert (await wire.ask(request(f"POST {LIST}", JSON, "Content-Type: text/plain", body=SALE))).status in (400, 415)


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "gzip, gzip", "nonsense"])
async def test_8_4_a_coded_body_is_415_and_tells_what_is_taken(wire: Wire, coding: str) -> None:
    response = await wire.ask(request(f"POST {LIST}", JSON, f"Content-Encoding: {coding}", body=SALE))
    assert response.status == 415
    assert response.headers["accept-encoding"] == "identity"  # 12.5.3


@pytest.mark.parametrize(
    "text", [b'{"title": "\xff"}', b'\xef\xbb\xbf{"title": "one"}', '{"title": "one"}'.encode("utf-16")]
)
async def test_8_3_2_json_is_utf_8(wire: Wire, text: bytes) -> None:
    assert (await wire.ask(request(f"POST {LIST}", JSON, body=text))).status == 400


@pytest.mark.parametrize("path", [LIST, "/api/meta", "/api/meta/Sale", "/schema/openapi.json", "DOCUMENT"])
async def test_15_4_5_304_has_what_200_would_have_had(wire: Wire, path: str) -> None:
    where = await target(wire, path)
    full = await wire.ask(request(f"GET {where}"))
    short = await wire.ask(request(f"GET {where}", f"If-None-Match: {full.headers['etag']}"))
    assert short.status == 304 and short.headers.get("content-length", "0") in ("0", full.headers["content-length"])
    for name in ("etag", "vary", "cache-control", "expires", "content-location"):
        assert short.headers.get(name) == full.headers.get(name), name
    assert "date" in short.headers and "content-type" not in short.headers
    assert (await wire.ask(request("GET /health"))).status == 200


@pytest.mark.parametrize("path", [LIST, "/schema/openapi.json", "DOCUMENT"])
@pytest.mark.parametrize(
    "fields", [("Range: bytes=0-9",), ("Range: bytes=99999999-",), ("Range: x",), ("Range: bytes=0-9", 'If-Range: "x"')]
)
async def test_14_2_ranges_are_ignored(wire: Wire, path: str, fields: tuple[str, ...]) -> None:
    response = await wire.ask(request(f"GET {await target(wire, path)}", *fields))
    assert response.status == 200 and "content-range" not in response.headers
    assert response.headers.get("accept-ranges", "none") == "none"


async def test_15_3_2_201_says_where(wire: Wire) -> None:
    made = await wire.ask(request(f"POST {LIST}", JSON, body=SALE))
    where, match = made.headers["location"], f"If-Match: {made.headers['etag']}"
    assert (await wire.ask(request(f"GET {where}", match))).json == made.json
    assert (await wire.ask(request(f"PATCH {where}", JSON, match, body=b'{"title": "two"}'))).status == 200


async def test_15_3_5_204_has_no_body_and_no_length(wire: Wire) -> None:
    made = await create(wire)
    gone = await wire.ask(request(f"DELETE {made.headers['location']}"))
    assert gone.status == 204 and not {"content-length", "transfer-encoding", "content-type"} & {*gone.headers}
    assert (await wire.ask(request("GET /health"))).status == 200


@pytest.mark.parametrize("path", TARGETS)
async def test_12_5_5_vary_names_what_chose_the_response(wire: Wire, path: str) -> None:
    response = await wire.ask(request(f"GET {await target(wire, path)}"))
    assert {"authorization", "cookie", "x-api-key", "origin"} <= {
        one.strip() for one in response.headers["vary"].split(",")
    }


@pytest.mark.parametrize("path", TARGETS)
async def test_8_8_3_a_tag_is_quoted(wire: Wire, path: str) -> None:
    response = await wire.ask(request(f"GET {await target(wire, path)}"))
    tag = response.headers.get("etag")
    assert tag is None or (tag.removeprefix("W/")[0] == tag[-1] == '"' and tag.isascii() and " " not in tag)


@pytest.mark.parametrize("path", TARGETS)
async def test_8_6_the_length_is_that_of_the_body(wire: Wire, path: str) -> None:
    response = await wire.ask(request(f"GET {await target(wire, path)}"))
    assert response.headers["content-length"] == str(len(response.body))
