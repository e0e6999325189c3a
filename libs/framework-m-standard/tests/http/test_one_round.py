"""One answer tells what is wrong with the query, the headers and the body of a request."""

from __future__ import annotations

from typing import Any

import pytest

_BODY = {"title": 5, "color": "green", "zz": 1}
_OF_BODY = {("title", "wrong_type"), ("color", "not_a_choice"), ("zz", "unknown_field")}
_KEY = {"idempotency-key": "x" * 300}
_OF_KEY = ("Idempotency-Key", "bad_key")


def _nope(name: str = "nope") -> tuple[str, str]:
    return name, "unknown_parameter"


def _find_errors(response: Any) -> set[tuple[str, str]]:
    assert response.status_code == 400, response.text
    return {(one["field"], one["code"]) for one in response.json()["errors"]}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_write(site: Any, method: str) -> None:
    made = await site.make()
    path = "/api/v1/Sale" if method == "POST" else f"/api/v1/Sale/{made['id']}"
    body = {**_BODY, **({} if method == "POST" else {"_version": "x"})}
    of_body = _OF_BODY | (set() if method == "POST" else {("_version", "wrong_type")})
    async with site.client("boss") as client:
        response = await client.request(method, f"{path}?nope=1&more=", json=body, headers=_KEY)
        assert _find_errors(response) == {_nope(), _nope("more"), _OF_KEY, *of_body}
        assert response.json()["code"] == "validation_failed"
        assert _find_errors(
            await client.request(
                method, f"{path}?nope=1", json={"title": "b", "_version": 1} if method != "POST" else {"title": "b"}
            )
        ) == {_nope()}
        assert (await client.get(f"/api/v1/Sale/{made['id']}")).json() == made
        assert len((await client.get("/api/v1/Sale")).json()["items"]) == 1
        missing = await client.patch("/api/v1/Sale/missing?nope=1", json=_BODY)
        assert missing.status_code == 404
    async with site.client("nobody") as client:
        assert (await client.request(method, f"{path}?nope=1", json=_BODY)).status_code == 403


async def test_a_transition_and_a_delete(site: Any) -> None:
    path = f"/api/v1/Sale/{(await site.make())['id']}"
    async with site.client("boss") as client:
        submitted = await client.post(f"{path}/submit?nope=1", json={"title": "x", "_version": "x"}, headers=_KEY)
        assert _find_errors(submitted) == {_nope(), _OF_KEY, ("title", "unknown_field"), ("_version", "wrong_type")}
        deleted = await client.delete(f"{path}?hard=maybe", headers=_KEY)
        assert _find_errors(deleted) == {("hard", "wrong_type"), _OF_KEY}
        assert (await client.get(path)).json()["docstatus"] == 0


async def test_a_search_and_a_list(site: Any) -> None:
    async with site.client("boss") as client:
        searched = await client.post("/api/v1/Sale/search?nope=1", json={"limit": "x", "zz": 1})
        assert _find_errors(searched) == {_nope(), ("limit", "wrong_type"), ("zz", "unknown_field")}
        assert searched.json()["code"] == "bad_query"
        listed = await client.get("/api/v1/Sale?limit=x&offset=99999999999&include_deleted=maybe")
        assert _find_errors(listed) == {
            ("limit", "wrong_type"),
            ("offset", "out_of_bounds"),
            ("include_deleted", "wrong_type"),
        }
        doubled = await client.get("/api/v1/Sale?limit=1&limit=2&fields=&nope=1")
        assert _find_errors(doubled) == {("limit", "repeated_parameter"), ("fields", "empty_parameter"), _nope()}


async def test_a_call(site: Any) -> None:
    async with site.client("boss") as client:
        called = await client.post("/api/v1/rpc/Sale/priced?nope=1", json={"factor": "x"})
        assert _find_errors(called) == {_nope(), ("doc_id", "required"), ("factor", "wrong_type")}
        called = await client.post("/api/v1/rpc/fn/sales.several?nope=1", json={"count": 11, "zz": 1})
        assert _find_errors(called) == {_nope(), ("count", "out_of_bounds"), ("zz", "unknown_field")}


async def test_a_login(site: Any) -> None:
    async with site.client() as client:
        response = await client.post("/api/v1/auth/login?nope=1", json={"username": 1})
        assert _find_errors(response) == {_nope(), ("username", "wrong_type"), ("password", "required")}
