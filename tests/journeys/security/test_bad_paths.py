"""Paths that are none, and octets that are no HTTP at all."""

from __future__ import annotations

import json
from urllib.parse import quote

import httpx
import pytest

from tests.journeys.product import Product
from tests.journeys.security.wire import request, send

NOT_FOUND = (
    "/nonsense", "/api", "/api/", "/api/v1", "/api/v1/", "/api/v1x", "/api/v1x/Customer", "/api/v2/Customer",
    "/api/v1//Customer", "//api/v1/Customer", "/api//v1/Customer", "/api/v1/Customer/", "/api/v1/Customer//",
    "/api/v1/Customer/x/", "/api/v1/Customer/x/nonsense", "/api/v1/Customer/x/submit/", "/api/v1/Customer/x/submit/y",
    "/api/v1/Customer/%00", "/api/v1/Customer/a%00b", "/api/v1/Customer/%ff", "/api/v1/Customer/%C3%28",
    "/api/v1/Customer/%ED%A0%80", "/api/v1/Customer/a%2Fb", "/api/v1/Customer/..%2F..%2Fetc%2Fpasswd",
    "/api/v1/Customer/%2e%2e/Invoice", "/api/v1/Customer/../Invoice", "/api/v1/Customer/.", "/api/v1/Customer/1",
    "/api/v1/Customer/0", "/api/v1/Customer/-1", "/api/v1/Customer/9999999999999999999999", "/api/v1/Customer/null",
    "/api/v1/Customer/%D9%A3", "/api/v1/Customer/" + "a" * 3_000, "/api/v1/Customer/" + "%F0%9F%A6%84" * 300,
    "/api/v1/Customer/00000000-0000-0000-0000-000000000000", "/api/v1/Customer/{id}", "/api/v1/Customer/:id",
    "/api/v1/Customer%2F", "/api/v1/Customer%2Fx", "/api/v1/%43ustomer%00", "/api/v1/customer", "/api/v1/CUSTOMER",
    "/api/v1/Customer;x=1", "/api/v1/Customer.json", "/api/v1/Customer%3Flimit=1", "/api%2Fv1/Customer",
    "/api/v1%2FCustomer", "/api/meta/Customer/x", "/api/meta/nonsense", "/api/meta/%00", "/api/meta/%ff",
    "/api/meta/a%2Fb", "/api/metax", "/healthz", "/health/x", "/health%2F", "/-/refused", "/api/v1/auth/nonsense",
    "/api/v1/auth/me/x", "/.env", "/static/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/auth%2Fme",
)  # fmt: skip


def test_a_path_that_is_none_is_not_found(crm: Product, alice: httpx.Client, subtests: pytest.Subtests) -> None:
    """Sent as it stands: HTTP clients tidy paths up."""
    for path in NOT_FOUND:
        with subtests.test(path=path[:60]):
            token = f"Authorization: {alice.headers['authorization']}"
            for method in ("GET", "DELETE"):
                reply = send(crm, request(f"{method} {path}", token, "Connection: close"))
                assert reply is not None and reply.status in {404} | ({405} if method == "DELETE" else set()), (
                    method,
                    reply,
                )
                problem = json.loads(reply.body)
                assert reply.headers["content-type"] == "application/problem+json", method
                assert problem["request_id"] == reply.headers["x-request-id"], method
                assert reply.status == 405 or problem["code"] in {
                    "route_not_found",
                    "not_found",
                    "doctype_not_found",
                }, method


@pytest.mark.parametrize("path", ["/api/meta/", "/api/meta/Customer/", "/api/v1/auth/me/", "/api/meta//Customer"])
def test_an_empty_segment_is_a_segment(crm: Product, alice: httpx.Client, path: str) -> None:
    reply = send(crm, request(f"GET {path}", f"Authorization: {alice.headers['authorization']}", "Connection: close"))
    assert reply is not None and reply.status == 404


def test_an_encoded_path_is_the_path(alice: httpx.Client) -> None:
    customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()
    id = "".join(f"%{ord(letter):02x}" for letter in customer["id"])
    for path in (f"/api/v1/Customer/{id}", f"/api/v1/C%75stomer/{customer['id']}"):
        assert alice.get(path).json() == customer, path
    assert alice.get(f"/api/v1/Customer/{quote(customer['id'].upper())}").json() == customer


# Octets that are no HTTP.

GARBAGE = {
    "nonsense": b"nonsense\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "method": request("FOO /health"),
    "raw octets in path": request("GET /api/v1/Customer/\xff"),
    "raw octets in query": request("GET /api/v1/Customer?limit=\xff"),
    "space in path": request("GET /api/v1/Cust omer"),
    "NUL in header": request("GET /health", "X-A: a\0b"),
    "no colon": request("GET /health", "nonsense"),
    "length no number": request("POST /api/v1/auth/login", "Content-Length: abc"),
    "length below zero": request("POST /api/v1/auth/login", "Content-Length: -1"),
    "two lengths": request("POST /api/v1/auth/login", "Content-Length: 2", "Content-Length: 3", body=b"{} "),
    "length and chunks": request(
        "POST /api/v1/auth/login", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "bad chunk": request("POST /api/v1/auth/login", "Transfer-Encoding: chunked", body=b"zz\r\n"),
    "long path": request("GET /" + "a" * 100_000),
}


def test_what_is_no_http_is_refused_and_the_server_lives(
    crm: Product, anonymous: httpx.Client, subtests: pytest.Subtests
) -> None:
    for name, octets in GARBAGE.items():
        with subtests.test(name):
            reply = send(crm, octets)
            assert reply is None or 400 <= reply.status < 500
            assert reply is None or b"Traceback" not in reply.body
            assert anonymous.get("/health").status_code == 200


@pytest.mark.parametrize("count", [1, 20_000])
def test_headers_are_bounded(crm: Product, anonymous: httpx.Client, count: int) -> None:
    reply = send(crm, request("GET /health", *(f"X-{number}: {'a' * (2_000_000 // count)}" for number in range(count))))
    assert reply is None or reply.status in {400, 431}
    assert anonymous.get("/health").status_code == 200
