"""Chunked trailers come after the head that was judged: they change nothing of it."""

from __future__ import annotations

import pytest

from tests.journeys.product import Product

from .wire import request, send

BODY = b'{"full_name": "trailer"}'
CHUNKED = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)


def _post(*headers: str, trailers: bytes) -> bytes:
    line = "POST /api/v1/Customer"
    return request(line, "Transfer-Encoding: chunked", *headers, body=CHUNKED + trailers + b"\r\n")


def test_credentials_in_trailers_are_none(crm: Product) -> None:
    trailers = f"Authorization: Bearer {crm.token('alice')}\r\n".encode()
    reply = send(crm, _post("Content-Type: application/json", trailers=trailers))
    assert reply is not None
    assert reply.status == 401


@pytest.mark.parametrize(
    "trailer", [b"Content-Type: text/plain", b"If-Match: *", b"X-Request-ID: x", b"Authorization: x"]
)
def test_other_trailers_change_nothing(crm: Product, trailer: bytes) -> None:
    headers = ("Content-Type: application/json", f"Authorization: Bearer {crm.token('alice')}")
    reply = send(crm, _post(*headers, trailers=trailer + b"\r\n"))
    assert reply is not None
    assert reply.status == 201
