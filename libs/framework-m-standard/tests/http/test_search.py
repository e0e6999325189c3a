"""`POST …/search`: the list, with its parameters in the body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framework_m_standard.http.documents.query_parameters import LIST_QUERY
from framework_m_standard.http.documents.search_body import SEARCH_SCHEMA

UNKNOWN, WRONG = "unknown_field", "wrong_type"


async def _post(site: Any, body: Any, name: str = "boss", at: str = "/api/v1/Sale/search") -> Any:
    async with site.client(name) as client:
        return await client.post(at, json=body)


async def test_it_is_the_list(site: Any) -> None:
    for title in ("a", "b", "c"):
        await site.make(title=title)
    filters = [{"field": "title", "operator": "in", "value": ["a", "c"]}]
    wanted = {"limit": 1, "filters": filters, "order_by": ["-title"], "fields": ["title"], "count": "exact"}
    found = await _post(site, wanted)
    query = {**wanted, "filters": json.dumps(filters), "order_by": "-title", "fields": "title"}
    async with site.client("boss") as client:
        listed = await client.get("/api/v1/Sale", params=query)
    assert found.status_code == 200
    assert found.json() == listed.json()
    assert [item["title"] for item in found.json()["items"]] == ["c"]
    following = await _post(site, {**wanted, "cursor": found.json()["next_cursor"]})
    assert [item["title"] for item in following.json()["items"]] == ["a"]


def test_it_takes_the_parameters_of_the_list() -> None:
    assert SEARCH_SCHEMA["properties"].keys() == set(LIST_QUERY)


async def test_many_ids_fit(site: Any) -> None:
    made = [await site.make(title=str(number)) for number in range(3)]
    ids = [sale["id"] for sale in made] + [f"00000000-0000-7000-8000-{number:012}" for number in range(400)]
    found = await _post(site, {"filters": [{"field": "id", "operator": "in", "value": ids}]})
    assert {item["id"] for item in found.json()["items"]} == {sale["id"] for sale in made}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"limit":null}'])
async def test_without_parameters_it_is_the_first_page(site: Any, content: bytes) -> None:
    await site.make()
    async with site.client("boss") as client:
        found = await client.post("/api/v1/Sale/search", content=content, headers={"content-type": "application/json"})
    assert (found.status_code, len(found.json()["items"])) == (200, 1)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"limits": 1, "limit": "1", "offset": True}, {"limits": UNKNOWN, "limit": WRONG, "offset": WRONG}),
        ({"filters": "[]"}, {"filters": WRONG}),
        ({"order_by": "title"}, {"order_by": WRONG}),
        ({"order_by": [""], "fields": [1], "expand": {}}, dict.fromkeys(("order_by", "fields", "expand"), WRONG)),
        (
            {"cursor": "", "count": 1, "include_deleted": "true"},
            {"cursor": WRONG, "count": WRONG, "include_deleted": WRONG},
        ),
        ({"offset": 10_001}, {"offset": "out_of_bounds"}),
        ({"limit": 501}, {"limit": "out_of_bounds"}),
        ({"cursor": "x"}, {"cursor": "bad_cursor"}),
        ({"expand": ["nope"]}, {"expand": UNKNOWN}),
        ({"expand": ["a", "b", "c", "d", "e", "f"]}, {"expand": "out_of_bounds"}),
    ],
)  # fmt: skip
async def test_all_errors_are_told_at_once(site: Any, body: Any, errors: dict[str, str]) -> None:
    found = await _post(site, body)
    assert (found.status_code, found.json()["code"]) == (400, "bad_query")
    assert {error["field"]: error["code"] for error in found.json()["errors"]} == errors


async def test_fields_that_the_caller_may_not_read_are_refused(site: Any) -> None:
    body = {"filters": [{"field": "nope", "operator": "is_null", "value": True}]}
    assert (await _post(site, body)).status_code == 400
    assert (await _post(site, {}, name="nobody")).status_code == 403
    assert (await _post(site, {}, name="wrong")).status_code == 401
    assert (await _post(site, [])).json()["code"] == "malformed_body"
    assert (await _post(site, {"filters": ["x" * 300_000]})).status_code == 413


async def test_it_does_not_hide_a_document_of_that_name(site: Any) -> None:
    async with site.client("boss") as client:
        assert (await client.get("/api/v1/SalePage/search")).status_code == 404
        allowed = (await client.options("/api/v1/Sale/search")).headers["allow"]
    assert allowed == "DELETE, GET, HEAD, PATCH, POST, PUT, OPTIONS"
