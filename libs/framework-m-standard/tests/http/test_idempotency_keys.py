"""The same keyed write happens once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework_m_core.domain.context import GUEST, Principal

KEY = {"idempotency-key": "key-1"}


async def test_the_first_answer_comes_again(site: Any) -> None:
    async with site.client("boss", **KEY) as client:
        first = await client.post("/api/v1/Sale", json={"title": "a"})
        again = await client.post("/api/v1/Sale", json={"title": "a"})
        page = (await client.get("/api/v1/Sale?count=exact")).json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("etag", "location", "content-type"):
        assert again.headers[name] == first.headers[name], name
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert page["total"] == 1


async def test_sensitive_values_are_not_kept(site: Any) -> None:
    """They would outlive a purge of the document."""
    async with site.client("boss", **KEY) as client:
        sent = {"title": "a", "secret": "the code is 42", "lines": [{"text": "b", "code": "43"}]}
        first, again = [await client.post("/api/v1/Sale", json=sent) for _ in range(2)]
    assert (first.status_code, first.json()["secret"]) == (201, "the code is 42")
    assert again.status_code == 201
    kept = {name: value for name, value in first.json().items() if name != "secret"}
    assert kept["lines"][0].pop("code") == "43"
    assert again.json() == kept
    assert "etag" in first.headers
    assert "etag" not in again.headers, "it is of the whole document"


async def test_another_body_is_a_conflict(site: Any) -> None:
    async with site.client("boss", **KEY) as client:
        await client.post("/api/v1/Sale", json={"title": "a"})
        response = await client.post("/api/v1/Sale", json={"title": "b"})
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_conflict")


async def test_a_key_belongs_to_user_method_and_path(site: Any) -> None:
    async with site.client("boss", **KEY) as client:
        first = (await client.post("/api/v1/Sale", json={"title": "a"})).json()
        path = f"/api/v1/Sale/{first['id']}"
        assert (await client.patch(path, json={"title": "b"})).json()["_version"] == 2
        assert (await client.patch(path, json={"title": "b"})).json()["_version"] == 2
        assert (await client.post(f"{path}/submit")).json()["docstatus"] == 1
        assert (await client.post(f"{path}/submit")).status_code == 200
    async with site.client("admin", **KEY) as client:
        other = (await client.post("/api/v1/Sale", json={"title": "a"})).json()
    assert other["id"] != first["id"]


async def test_a_kept_answer_ends_with_a_change_of_attributes(site: Any) -> None:
    """They decide what the caller may see, as roles do; an adapter may give anything as their values."""
    made = []
    loose: Any = {"number": 5}
    for attributes in ({}, {"region": ("North",)}, {"region": ("South",)}, loose, {"region": ("South",)}):
        boss = Principal("boss", frozenset({"Boss", GUEST}), "boss@example.com", attributes=attributes)
        site.authentication.admit(boss, token="boss")
        async with site.client("boss", **KEY) as client:
            made.append((await client.post("/api/v1/Sale", json={"title": "a"})).json()["id"])
    assert len(set(made)) == 4
    assert made[2] == made[4]


async def test_deletes_are_answered_again(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("boss", **KEY, **{"if-match": f'"{document["id"]}-1"'}) as client:
        first, again = await client.delete(path), await client.delete(path)
        purged = await client.delete(f"{path}?hard=true", headers={"if-match": "*"})
    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    assert "content-type" not in again.headers
    assert purged.status_code == 204


async def test_a_write_that_failed_is_tried_anew(site: Any) -> None:
    async with site.client("boss", **KEY) as client:
        assert (await client.post("/api/v1/Sale", json={"title": "break"})).status_code == 500
        assert (await client.post("/api/v1/Sale", json={"title": "fine"})).status_code == 201


async def test_requests_at_once_make_one_document(site: Any) -> None:
    async with site.client("boss", **KEY) as client:
        responses = await asyncio.gather(*(client.post("/api/v1/Sale", json={"title": "a"}) for _ in range(8)))
        page = (await client.get("/api/v1/Sale?count=exact")).json()
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == page["total"] == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\there", "é"])
async def test_bad_keys(site: Any, key: str) -> None:
    async with site.client("boss") as client:
        headers = {b"idempotency-key": key.encode("latin-1")}
        response = await client.post("/api/v1/Sale", json={"title": "a"}, headers=headers)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "Idempotency-Key")


async def test_the_longest_key(site: Any) -> None:
    async with site.client("boss", **{"idempotency-key": "x" * 255}) as client:
        assert (await client.post("/api/v1/Sale", json={"title": "a"})).status_code == 201


async def test_anonymous_callers_have_no_keys(site: Any) -> None:
    async with site.client(**KEY) as client:
        response = await client.post("/api/v1/Tag", json={"name": "a"})
        assert response.json()["errors"][0]["code"] == "not_for_anonymous"
        assert (await client.get("/api/v1/Tag/a")).status_code == 404
