"""Bodies that are none, are too much, or hold what no store should: refused with a problem document, never a 500."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.product import Product
from tests.journeys.security.responses import fields_of, refused
from tests.journeys.security.wire import request, send

LIMIT = 10 * 1024 * 1024
JSON = {"content-type": "application/json"}

MALFORMED = {
    "nothing": b"",
    "spaces": b"   ",
    "array": b"[]",
    "null": b"null",
    "text": b'"a"',
    "number": b"1",
    "cut": b'{"full_name": "a',
    "trailing": b'{"full_name": "a"} x',
    "two": b'{"full_name": "a"}{"full_name": "b"}',
    "comma": b'{"full_name": "a",}',
    "comment": b'{"full_name": "a"} // x',
    "single quotes": b"{'full_name': 'a'}",
    "bare": b"{full_name: 1}",
    "NaN": b'{"full_name": NaN}',
    "Infinity": b'{"full_name": -Infinity}',
    "raw NUL": b'{"full_name": "a\x00b"}',
    "raw newline": b'{"full_name": "a\nb"}',
    "bad UTF-8": b'{"full_name": "\xff\xfe"}',
    "overlong UTF-8": b'{"full_name": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"full_name": "\xed\xa0\x80"}',
    "lone surrogate": b'{"full_name": "\\ud800"}',
    "lone low surrogate": b'{"full_name": "\\udc00 x"}',
    "surrogate key": b'{"\\ud800": 1}',
    "surrogates twisted": b'{"full_name": "\\udc00\\ud800"}',
    "byte order mark": b'\xef\xbb\xbf{"full_name": "a"}',
    "UTF-16": '{"full_name": "a"}'.encode("utf-16"),
    "deep arrays": b'{"full_name":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and cut": b"[" * 60_000,
    "exponent": b'{"full_name": 1e99999999999999999999}',
    "leading zero": b'{"full_name": 01}',
    "hexadecimal": b'{"full_name": 0x1}',
    "form": b"full_name=a",
    "XML": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}


def _refusing_routes(client: httpx.Client) -> Iterator[tuple[str, str]]:
    customer = client.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
    yield "POST", "/api/v1/Customer"
    yield "PUT", f"/api/v1/Customer/{customer}"
    yield "PATCH", f"/api/v1/Customer/{customer}"
    yield "POST", "/api/v1/auth/login"
    yield "POST", "/api/v1/auth/refresh"


def test_a_body_that_is_no_json_object_is_refused(
    alice: httpx.Client, manager: httpx.Client, subtests: pytest.Subtests
) -> None:
    for name, body in MALFORMED.items():
        with subtests.test(name):
            for method, path in _refusing_routes(alice):
                refused(alice.request(method, path, content=body, headers=JSON), 400, "malformed_body")
            if body.strip():
                customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
                invoice = alice.post("/api/v1/Invoice", json={"customer": customer}).json()["id"]
                response = manager.post(f"/api/v1/Invoice/{invoice}/submit", content=body, headers=JSON)
                refused(response, 400, "malformed_body")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/xml"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json, text/plain"},
        {"content-type": ""},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br, identity"},
    ],
    ids=lambda headers: str(list(headers.values())),
)
def test_a_body_that_is_not_sent_as_json_is_refused(alice: httpx.Client, headers: dict[str, str]) -> None:
    """So a page of another site cannot make a browser write, or log in, without asking first."""
    for method, path in _refusing_routes(alice):
        response = alice.request(method, path, content=b'{"full_name": "a", "_version": 1}', headers=headers)
        refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; Charset=UTF-8", "application/vnd.x+json"])
def test_json_is_taken_under_its_names(alice: httpx.Client, kind: str) -> None:
    response = alice.post("/api/v1/Customer", content=b'{"full_name": "a"}', headers={"content-type": kind})
    assert response.status_code == 201


def test_a_body_past_the_limit_is_refused_before_it_has_come(crm: Product, alice: httpx.Client) -> None:
    token = f"Authorization: {alice.headers['authorization']}"
    for path, credentials in (("/api/v1/Customer", [token]), ("/api/v1/auth/login", [])):
        for length in (LIMIT + 1, 10**17):
            head = request(f"POST {path}", *credentials, "Content-Type: application/json", f"Content-Length: {length}")
            reply = send(crm, head, b'{"full_name": "')
            assert reply is not None and reply.status == 413, (path, length)
            assert json.loads(reply.body)["code"] == "body_too_large", (path, length)


def test_a_body_without_length_is_cut_off_at_the_limit(crm: Product, alice: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"full_name": "'
        for _ in range(LIMIT // 65_536 + 2):
            yield b"a" * 65_536

    for path in ("/api/v1/Customer", "/api/v1/auth/login", "/api/v1/auth/refresh"):
        refused(alice.post(path, content=endless(), headers=JSON), 413, "body_too_large")


def test_a_body_of_the_limit_is_read(alice: httpx.Client) -> None:
    padded = b'{"full_name": "a"}'
    for size, status in ((LIMIT, 201), (LIMIT + 1, 413)):
        body = padded + b" " * (size - len(padded))
        assert alice.post("/api/v1/Customer", content=body, headers=JSON).status_code == status, size


def test_strangers_bodies_are_not_waited_for(crm: Product) -> None:
    for path in ("/api/v1/Customer", "/api/v1/Nonsense", "/api/v1/User"):
        reply = send(crm, request(f"POST {path}", "Content-Type: application/json", "Content-Length: 100"), b"{")
        assert reply is not None and reply.status == 401, path


def test_the_answer_to_many_errors_is_not_larger_than_what_was_asked_for(
    alice: httpx.Client, anonymous: httpx.Client
) -> None:
    """Else a small body would buy a large answer; anybody can send one to the login."""
    customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
    body = json.dumps({f"k{number}": 1 for number in range(50_000)}).encode()
    rows = json.dumps({"customer": customer, "items": [{"a": 1}] * 9_000}).encode()
    long_name = json.dumps({"k" * 1_000_000: 1}).encode()
    for client, path, content in (
        (alice, "/api/v1/Customer", body),
        (alice, "/api/v1/Customer", long_name),
        (alice, "/api/v1/Invoice", rows),
        (anonymous, "/api/v1/auth/login", body),
        (anonymous, "/api/v1/auth/login", long_name),
    ):
        response = client.post(path, content=content, headers=JSON)
        assert response.status_code in {400, 413} and len(response.content) < 100_000, path


# Values.

DECIMALS = {
    "1": "1.00", "1.5": "1.50", "-0": "0.00", "0.10": "0.10", "1e3": "1000.00", "1E+15": "1000000000000000.00",
    "1.500000000000000": "1.50", "9999999999999999.99": "9999999999999999.99",
    "1.005": None, "0.001": None, "1e-3": None, "1e-400": None, "1e-999999999": None, "1e16": None,
    "99999999999999999": None, "1e400": None, "-1e400": None, "1e999999999": None, "9999999999999999.995": None,
    "-1": None, "-0.01": None,
}  # fmt: skip


def test_decimals_are_kept_exactly_or_refused(alice: httpx.Client, subtests: pytest.Subtests) -> None:
    for written, kept in DECIMALS.items():
        with subtests.test(written):
            for value in (written, f'"{written}"'):
                body = f'{{"item_code": "{uuid4()}", "rate": {value}}}'.encode()
                response = alice.post("/api/v1/Item", content=body, headers=JSON)
                if kept is None:
                    assert fields_of(refused(response, 400, "validation_failed")) == {"rate"}, value
                else:
                    assert response.status_code == 201 and response.json()["rate"] == kept, value


@pytest.mark.parametrize(
    "value",
    ['"NaN"', '"sNaN"', '"Infinity"', '"-inf"', '""', '"x"', '"0x10"', '"1,5"', '"1 2"', '"1e99999999999999999999"',
     "true", "null", "[]", "{}", "[1]", '"' + "9" * 10_000 + '"', '"' + "0." + "0" * 10_000 + '1"'],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_what_is_no_decimal_is_refused(alice: httpx.Client, value: str) -> None:
    body = f'{{"item_code": "{uuid4()}", "rate": {value}}}'.encode()
    assert fields_of(refused(alice.post("/api/v1/Item", content=body, headers=JSON), 400)) == {"rate"}


@pytest.mark.parametrize("value", ["٣", "1_0", " 1 ", "+1", "1.", ".5", "１"])
def test_an_odd_decimal_is_refused_or_served_plainly(alice: httpx.Client, value: str) -> None:
    response = alice.post("/api/v1/Item", json={"item_code": str(uuid4()), "rate": value})
    if response.status_code != 400:
        assert re.fullmatch(r"[0-9]+\.[0-9]{2}", response.json()["rate"])
        assert Decimal(response.json()["rate"]) == Decimal(value)


NOBODYS = "01890000-0000-7000-8000-000000000000"

BAD_VALUES: tuple[tuple[str, str, Any], ...] = (
    ("Customer", "full_name", ""),
    ("Customer", "full_name", "x" * 201),
    ("Customer", "full_name", None),
    ("Customer", "full_name", 5),
    ("Customer", "full_name", True),
    ("Customer", "full_name", ["x"]),
    ("Customer", "full_name", {"x": 1}),
    ("Customer", "full_name", "a\0b"),
    ("Customer", "notes", "\0"),
    ("Customer", "email", "x" * 256),
    ("Customer", "territory", "\U0001f984" * 256),
    ("Customer", "status", "Nonsense"),
    ("Customer", "status", "lead"),
    ("Customer", "status", 0),
    ("Customer", "status", None),
    ("Contact", "customer", "x"),
    ("Contact", "customer", 5),
    ("Contact", "customer", 2**128),
    ("Contact", "customer", ""),
    ("Contact", "customer", [NOBODYS]),
    ("Contact", "customer", {"id": NOBODYS}),
    ("Item", "is_active", "true"),
    ("Item", "is_active", 1),
    ("Item", "is_active", None),
    ("Item", "item_code", "x" * 101),
    ("Invoice", "items", None),
    ("Invoice", "items", {}),
    ("Invoice", "items", "x"),
    ("Invoice", "remarks", 2**64),
    ("Invoice", "customer", None),
)


def test_a_value_that_no_store_should_hold_is_refused(alice: httpx.Client, subtests: pytest.Subtests) -> None:
    for doctype, field, value in BAD_VALUES:
        with subtests.test(doctype=doctype, field=field, value=repr(value)[:40]):
            customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
            whole = {
                "Customer": {"full_name": "x"},
                "Contact": {"full_name": "x"},
                "Item": {"item_code": str(uuid4())},
                "Invoice": {"customer": customer},
            }[doctype]
            kept = alice.post(f"/api/v1/{doctype}", json=whole).json()
            bad = {**whole, **({"item_code": str(uuid4())} if doctype == "Item" else {}), field: value}
            assert fields_of(refused(alice.post(f"/api/v1/{doctype}", json=bad), 400)) == {field}
            assert fields_of(refused(alice.patch(f"/api/v1/{doctype}/{kept['id']}", json={field: value}), 400)) == {
                field
            }
            assert alice.get(f"/api/v1/{doctype}/{kept['id']}").json() == kept


def test_every_error_of_every_row_is_named(alice: httpx.Client) -> None:
    rows: list[Any] = [None, [], "x", 5, {"description": 5, "qty": 0, "rate": "1.001"}, {"qty": -1, "rate": -1}, {}]
    customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
    seen: set[str] = set()
    for place, row in enumerate(rows):
        response = alice.post("/api/v1/Invoice", json={"customer": customer, "items": [row]})
        found = fields_of(refused(response, 400, "validation_failed"))
        assert found and all(field.startswith("items.0") for field in found), place
        seen |= found
    assert seen >= {"items.0", "items.0.description", "items.0.qty", "items.0.rate"}
    too_many = [{"description": "x", "qty": 1, "rate": 1}] * 10_001
    response = alice.post("/api/v1/Invoice", json={"customer": customer, "items": too_many})
    assert fields_of(refused(response, 400)) == {"items"}


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "x"}, {"username": "", "password": ""}, {"username": "x", "password": "x" * 1_025},
     {"username": "x" * 321, "password": "x"}, {"username": ["x"], "password": {}}, {"username": None},
     {"username": True, "password": 1}, {"username": "x", "password": "x", "session": True}],
    ids=lambda body: str(body)[:40],
)  # fmt: skip
def test_what_is_no_login_is_refused_before_it_is_counted(anonymous: httpx.Client, body: Mapping[str, Any]) -> None:
    refused(anonymous.post("/api/v1/auth/login", json=body), 400, "validation_failed")
    for query in ("session=yes", "session=", "session=true&session=true", "next=//evil", "username=x"):
        refused(anonymous.post(f"/api/v1/auth/login?{query}", json=body), 400)
