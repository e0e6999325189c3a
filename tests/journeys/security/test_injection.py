"""SQL, patterns and markup in every place that takes text: it is data, stored and compared as it came."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest

from tests.journeys.security.responses import fields_of, refused

SQL = (
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE customer; --",
    "') UNION SELECT id, password_hash FROM usercredential --",
    "\\'; DELETE FROM customer; --",
    "%' OR full_name LIKE '%",
    "1; SELECT pg_sleep(9)",
    "' || (SELECT pg_sleep(9)) || '",
    "randomblob(900000000)",
    "$1",
    "%(full_name)s",
    ":full_name",
    "?1",
    "[POSTCOMPILE_x]",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/x}",
    "$(id)",
    "full_name/**/",
    "CHAR(65)",
)
TEXTS = (
    "AT&T <b>bold</b> <script>alert(1)</script>",
    'O\'Brien "the" `tick`',
    "back\\slash \\n \\u0041 \\",
    "emoji 🦄👩‍👩‍👧‍👦 ☃ \U0010ffff",
    "עברית and العربية \u202e\u200f",
    "e\u0301 is not \u00e9",
    " spaces around ",
    "line\nfeed\r\nand\ttab",
    "NULL",
    "true",
    "0",
    "-1e5",
    "\u2028\u2029\ufeff\u200b",
    "\x01\x1f\x7f",
    "%41 %2F + &amp; &#60;",
    "%_%\\%",
    "=cmd|' /C calc'!A0",
    "ﬀ ß İ ı",
)


def _quick(client: httpx.Client, method: str, path: str, **given: Any) -> httpx.Response:
    """A request that takes no time that something injected would take."""
    began = time.monotonic()
    response = client.request(method, path, **given)
    assert time.monotonic() - began < 5, response.text
    return response


def _list(client: httpx.Client, doctype: str, *filters: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    given = {"limit": 500, "filters": json.dumps(list(filters)), **asked}
    response = _quick(client, "GET", f"/api/v1/{doctype}", params=given)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


def _is(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@pytest.fixture
def whole(alice: httpx.Client, admin: httpx.Client) -> Iterator[None]:
    """Whatever was tried, everything is still there."""
    kept = alice.post("/api/v1/Customer", json={"full_name": f"kept {uuid4()}"}).json()
    users = [(user["id"], user["_version"]) for user in _list(admin, "User")]
    yield
    assert alice.get(f"/api/v1/Customer/{kept['id']}").json() == kept
    assert [(user["id"], user["_version"]) for user in _list(admin, "User")] == users
    for doctype in ("Customer", "Contact", "Item", "Invoice"):
        assert alice.get(f"/api/v1/{doctype}", params={"count": "exact"}).status_code == 200


def test_text_is_stored_compared_and_returned_as_it_came(
    alice: httpx.Client, bob: httpx.Client, whole: None, subtests: pytest.Subtests
) -> None:
    for text in (*SQL, *TEXTS):
        with subtests.test(text):
            mark = uuid4().hex
            mine = alice.post("/api/v1/Customer", json={"full_name": text, "notes": mark, "phone": text * 5})
            assert mine.status_code == 201, mine.text
            for name in ("x", f"{text}x", f"x{text}", text.swapcase() if text.swapcase() != text else "y"):
                alice.post("/api/v1/Customer", json={"full_name": name, "notes": mark}).raise_for_status()
            id = mine.json()["id"]
            assert mine.json()["full_name"] == text and mine.headers["content-type"] == "application/json"
            assert alice.get(f"/api/v1/Customer/{id}").json() == mine.json()
            assert mine.json()["phone"] == text * 5

            marked = _is("notes", "eq", mark)
            for operator, value in (
                ("eq", text),
                ("in", [text, "nobody's"]),
                ("like", _escaped(text)),
                ("between", [text] * 2),
            ):
                assert [one["id"] for one in _list(alice, "Customer", marked, _is("full_name", operator, value))] == [
                    id
                ], operator
                assert _list(bob, "Customer", _is("full_name", operator, value)) == [], operator
            for operator in ("contains", "starts_with"):
                found = {one["full_name"] for one in _list(alice, "Customer", marked, _is("full_name", operator, text))}
                assert found == {text, f"{text}x"} | ({f"x{text}"} if operator == "contains" else set()), operator
            others = _list(alice, "Customer", marked, _is("full_name", "ne", text))
            assert len(others) == 4 and id not in {one["id"] for one in others}


def test_children_and_fetched_fields_keep_text_too(alice: httpx.Client, subtests: pytest.Subtests) -> None:
    for text in TEXTS:
        with subtests.test(text):
            customer = alice.post("/api/v1/Customer", json={"full_name": text}).json()["id"]
            lines = [{"description": text, "qty": 1, "rate": 2}]
            invoice = alice.post("/api/v1/Invoice", json={"customer": customer, "items": lines, "remarks": text})
            assert invoice.status_code == 201, invoice.text
            for served in (invoice.json(), alice.get(f"/api/v1/Invoice/{invoice.json()['id']}").json()):
                assert served["customer_name"] == served["remarks"] == served["items"][0]["description"] == text, served


@pytest.mark.parametrize(
    "place",
    ["field", "operator", "order_by", "-order_by", "fields", "expand", "count", "limit", "offset", "cursor",
     "include_deleted", "filters", "parameter"],
)  # fmt: skip
def test_what_names_something_is_refused(
    alice: httpx.Client, whole: None, subtests: pytest.Subtests, place: str
) -> None:
    for text in SQL:
        with subtests.test(text):
            asked = {
                "field": {"filters": json.dumps([_is(text, "eq", "x")])},
                "operator": {"filters": json.dumps([_is("full_name", text, "x")])},
                "-order_by": {"order_by": f"-{text}"},
                "parameter": {text: "1"},
            }.get(place, {place: text})
            refused(_quick(alice, "GET", "/api/v1/Customer", params=asked), 400, "bad_query")
            for prefix in ("full_name", "full_name "):
                if place in {"field", "order_by", "fields", "operator"}:
                    refused(
                        _quick(alice, "GET", "/api/v1/Customer", params={"order_by": prefix + text}), 400, "bad_query"
                    )


def test_names_in_paths_and_ids_are_looked_up_and_nothing_else(
    alice: httpx.Client, whole: None, subtests: pytest.Subtests
) -> None:
    for text in SQL:
        with subtests.test(text):
            ref = quote(text, safe="")
            for path in (f"/api/v1/Customer/{ref}", f"/api/v1/Invoice/{ref}"):
                refused(_quick(alice, "GET", path), 404, "not_found")
                refused(_quick(alice, "PATCH", path, json={}), 404, "not_found")
                refused(_quick(alice, "DELETE", path), 404, "not_found")
            refused(_quick(alice, "GET", f"/api/v1/{ref}"), 404)
            refused(_quick(alice, "GET", f"/api/meta/{ref}"), 404)
            assert fields_of(
                refused(alice.post("/api/v1/Contact", json={"full_name": "x", "customer": text}), 400)
            ) == {"customer"}
            customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
            for row in ({"id": text}, {text: 1}, {"qty": text, "description": "x", "rate": 1}):
                response = alice.post("/api/v1/Invoice", json={"customer": customer, "items": [row]})
                assert all(field.startswith("items.0.") for field in fields_of(refused(response, 400))), row
            assert fields_of(refused(alice.post("/api/v1/Customer", json={"full_name": "x", text: 1}), 400)) == {text}
            refused(alice.post("/api/v1/auth/refresh", json={"refresh_token": text}), 401, "unauthenticated")
            refused(
                alice.post("/api/v1/auth/refresh", json={"refresh_token": f"{uuid4()}.{text}"}), 401, "unauthenticated"
            )


def test_keys_and_request_ids_are_opaque(alice: httpx.Client, whole: None, subtests: pytest.Subtests) -> None:
    for text in SQL:
        with subtests.test(text):
            key = f"{text} {uuid4()}".encode("ascii")
            body = {"full_name": f"keyed {uuid4()}"}
            first, again = (
                alice.post("/api/v1/Customer", json=body, headers={b"idempotency-key": key}) for _ in range(2)
            )
            assert first.status_code == again.status_code == 201 and first.json() == again.json()
            response = alice.get(
                "/api/v1/Customer", headers={b"x-request-id": text.encode(), b"if-none-match": text.encode()}
            )
            assert UUID(response.headers["x-request-id"]).version == 4 and text not in str(response.headers)
            refused(
                alice.patch(f"/api/v1/Customer/{first.json()['id']}", json={}, headers={b"if-match": text.encode()}),
                412,
            )


HIDDEN = ("\u202e", "\u200d", "\n", "\u2028", "\x01")
"""What stands in those texts that no name can hold."""


def test_names_of_any_text_are_found_by_their_path(admin: httpx.Client) -> None:
    for text in (*SQL, *TEXTS):
        if "/" in text or not text.strip():
            continue
        given = f"{text} {uuid4()}"
        made = admin.post("/api/v1/Role", json={"name": given, "description": text})
        if any(character in text for character in HIDDEN):
            refused(made, 400, "validation_failed")
            continue
        name = unicodedata.normalize("NFC", given).strip()
        assert made.status_code == 201 and made.json()["name"] == name, made.text
        assert made.headers["location"].isascii(), text
        got = admin.get(f"/api/v1/Role/{quote(name, safe='')}")
        assert got.json() == made.json(), text
        assert admin.delete(f"/api/v1/Role/{quote(name, safe='')}").status_code == 204, text


LITERALS = (
    "100%",
    "100x",
    "1%0",
    "a_b",
    "axb",
    "a\\b",
    "a\\\\b",
    "%",
    "_",
    "\\",
    "[a-z]",
    "*",
    "a%_\\b",
    "A_B",
    "é",
    "É",
    "ß",
)


def test_wildcards_are_literal_but_in_patterns(alice: httpx.Client) -> None:
    mark = uuid4().hex
    for text in LITERALS:
        alice.post("/api/v1/Customer", json={"full_name": f"{text}", "notes": mark}).raise_for_status()

    def found(operator: str, value: Any) -> list[str]:
        listed = _list(alice, "Customer", _is("notes", "eq", mark), _is("full_name", operator, value))
        return sorted(one["full_name"] for one in listed)

    for text in LITERALS:
        assert found("contains", text) == sorted(one for one in LITERALS if text in one), text
        assert found("starts_with", text) == sorted(one for one in LITERALS if one.startswith(text)), text
        assert found("eq", text) == [text]
        assert found("like", _escaped(text)) == [text]
    assert found("like", "a_b") == sorted(one for one in LITERALS if len(one) == 3 and one[0] + one[2] == "ab")
    assert found("like", "%\\%") == ["%", "100%"]
    assert found("ilike", "A\\_b") == ["A_B", "a_b"]
    assert found("ilike", "É") == ["É"] and found("ilike", "é") == ["é"]
    assert found("contains", "") == sorted(LITERALS)


@pytest.mark.parametrize("pattern", ["\\", "a\\", "%\\\\\\", "\\" * 7])
def test_a_pattern_that_ends_in_a_lone_backslash_is_refused(alice: httpx.Client, pattern: str) -> None:
    for operator in ("like", "ilike"):
        asked = {"filters": json.dumps([_is("full_name", operator, pattern)])}
        refused(alice.get("/api/v1/Customer", params=asked), 400, "bad_query")


@pytest.mark.parametrize("operator", ["like", "ilike"])
def test_what_a_search_costs_is_bounded(alice: httpx.Client, operator: str) -> None:
    """By the wildcards of a pattern, and by the searches of a filter."""
    mark = uuid4().hex
    alice.post("/api/v1/Customer", json={"full_name": mark, "notes": "a" * 100_000}).raise_for_status()
    for pattern in ("%a" * 500 + "%b", "%" * 7, "%" + "_" * 500):
        asked = {"filters": json.dumps([_is("notes", operator, pattern)])}
        refused(alice.get("/api/v1/Customer", params=asked), 400, "bad_query")
    many = {"filters": json.dumps({"or": [_is("notes", operator, f"{number}%") for number in range(11)]})}
    refused(alice.get("/api/v1/Customer", params=many), 400, "bad_query")
    for pattern in ("%a" * 6 + "b", "a%" * 6 + "b", "%" + "_" * 490 + "b"):
        assert _list(alice, "Customer", _is("full_name", "eq", mark), _is("notes", operator, pattern)) == [], pattern
    assert len(_list(alice, "Customer", _is("full_name", "eq", mark), _is("notes", operator, "%a" * 5 + "%"))) == 1


def test_operators_of_other_stores_are_values(alice: httpx.Client, whole: None) -> None:
    for value in ({"$ne": 1}, {"$gt": ""}, [{"$ne": 1}], {"eq": "x"}, {"like": "%"}):
        asked = {"filters": json.dumps([_is("full_name", "eq", value)])}
        refused(alice.get("/api/v1/Customer", params=asked), 400, "bad_query")
        assert fields_of(refused(alice.post("/api/v1/Customer", json={"full_name": value}), 400)) == {"full_name"}, (
            value
        )
        refused(alice.post("/api/v1/auth/login", json={"username": value, "password": value}), 400)
        refused(alice.post("/api/v1/auth/refresh", json={"refresh_token": value}), 400)
