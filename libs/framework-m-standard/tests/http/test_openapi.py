"""The OpenAPI document: valid, what the caller may do and no more, true to what the routes answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from framework_m_core.services.rows.sizes import PAGE_BYTES

PATH = "/schema/openapi.json"


async def document_for(site: Any, who: str) -> dict[str, Any]:
    async with site.client(who) as client:
        response = await client.get(PATH)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def operations(document: dict[str, Any]) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, found in document["paths"].items()
        for method in found
        if method != "parameters"
    }


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


@pytest.mark.parametrize("who", ["admin", "boss", "reader", "blue", "nobody"])
async def test_it_is_valid_for_every_caller(site: Any, who: str) -> None:
    document = await document_for(site, who)
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()
    names = [
        one["operationId"] for found in document["paths"].values() for key, one in found.items() if key != "parameters"
    ]
    assert len(names) == len(set(names))


OPEN_TO_ALL = ("ping", "all_titles", "sign_up", "area", "several", "seal", "unsendable", "consumes")


async def test_it_holds_what_the_caller_may_do(site: Any) -> None:
    ours = operations(await document_for(site, "boss"))
    assert {
        "GET /api/v1/Sale", "POST /api/v1/Sale/search", "POST /api/v1/Sale", "GET /api/v1/Sale/{id}",
        "PUT /api/v1/Sale/{id}", "PATCH /api/v1/Sale/{id}", "DELETE /api/v1/Sale/{id}", "POST /api/v1/Sale/{id}/submit",
        "POST /api/v1/Sale/{id}/cancel", "POST /api/v1/rpc/Sale/priced", "POST /api/v1/rpc/fn/sales.titles",
    } <= ours  # fmt: skip
    looking = {one for one in operations(await document_for(site, "blue")) if "Sale" in one or "/fn/" in one}
    assert looking == {
        "GET /api/v1/Sale", "POST /api/v1/Sale/search", "GET /api/v1/Sale/{id}", "POST /api/v1/rpc/Sale/has_document",
        "POST /api/v1/rpc/Sale/greet", "POST /api/v1/rpc/Sale/leaks", "POST /api/v1/rpc/Sale/retitle_unasked",
        "POST /api/v1/rpc/fn/sales.titles",
        *(f"POST /api/v1/rpc/fn/sales.{name}" for name in OPEN_TO_ALL),
    }  # fmt: skip
    assert not any("Sale" in one for one in operations(await document_for(site, "nobody")))


async def test_summaries_name_the_doctype_and_tags_are_described(site: Any) -> None:
    document = await document_for(site, "boss")
    for path, found in document["paths"].items():
        if path.startswith("/api/v1/Sale"):
            for method, one in found.items():
                assert method == "parameters" or "Sale" in one["summary"], one["summary"]
    assert document["paths"]["/api/v1/Sale"]["post"]["description"] == "Requires the permission `create` on Sale."
    used = {
        tag for found in document["paths"].values() for one in found.values() if "tags" in one for tag in one["tags"]
    }
    assert {tag["name"] for tag in document["tags"] if tag["description"]} >= used


async def test_hidden_fields_and_doctypes_do_not_exist(site: Any) -> None:
    document = await document_for(site, "reader")
    text = str(document)
    assert "secret" not in text
    assert "margin" not in text
    assert "Hidden" not in text


async def test_what_is_made_for_a_doctype_never_stands_in_anothers_place(site: Any) -> None:
    """`Problem` and `SalePage` are DocTypes here too, `Shape` a union within the arguments of a call."""
    document = await document_for(site, "boss")
    schemas = document["components"]["schemas"]
    assert "code" in schemas["Framework-Problem"]["properties"] and "flaw" in schemas["Problem"]["properties"]
    assert "items" in schemas["Sale-Page"]["properties"] and "leaf" in schemas["SalePage"]["properties"]
    assert "#/$defs/" not in str(document)
    mapping = schemas["call-sales-area-Arguments"]["properties"]["shape"]["discriminator"]["mapping"]
    assert {schemas[target.rpartition("/")[2]]["title"] for target in mapping.values()} == {
        "CallSalesAreaCircle", "CallSalesAreaSquare",
    }  # fmt: skip
    assert schemas["Sale-call-priced-Arguments"]["required"] == ["doc_id"]


async def test_bytes_and_decimals_of_calls_are_described_as_they_are_sent(site: Any) -> None:
    schemas = (await document_for(site, "boss"))["components"]["schemas"]
    arguments = schemas["call-sales-seal-Arguments"]["properties"]
    for described in (
        arguments["picture"],
        arguments["frame"],
        schemas["call-sales-seal-Response"]["properties"]["result"],
    ):
        assert (described["type"], described["contentEncoding"]) == ("string", "base64"), described
        assert "format" not in described, described
    assert (arguments["weight"]["type"], arguments["weight"]["format"]) == ("string", "decimal")
    async with site.client("boss") as client:
        sent = {"picture": "AAE=", "frame": arguments["frame"]["x-framework-m-default"]}
        sealed = await client.post("/api/v1/rpc/fn/sales.seal", json=sent)
    assert sealed.json() == {"result": "/wAB/w=="}


async def test_anonymous_callers_get_nothing_below_it(site: Any) -> None:
    async with site.client() as client:
        for path in (PATH, "/schema/swagger", "/schema/redoc", "/schema/assets/redoc.js", "/schema/nonsense"):
            assert (await client.get(path)).status_code == 401, path


async def test_answers_are_as_their_schemas_say(site: Any) -> None:
    document = await document_for(site, "boss")
    made = await site.make(lines=[{"text": "a", "price": "2.50"}], color="blue")
    async with site.client("boss") as client:
        page = (await client.get("/api/v1/Sale?fields=title,lines,rate")).json()
        whole = (await client.get(f"/api/v1/Sale/{made['id']}")).json()
        priced = (await client.post("/api/v1/rpc/Sale/priced", json={"doc_id": made["id"]})).json()
        titles = (await client.post("/api/v1/rpc/fn/sales.titles", json={"starting": "o"})).json()
        refused = (await client.post("/api/v1/Sale", json={"titel": 1})).json()
        who = (await client.get("/api/v1/auth/me")).json()
    for name, response in (
        ("Sale", made), ("Sale", whole), ("Sale-Page", page), ("Sale-call-priced-Response", priced),
        ("call-sales-titles-Response", titles), ("Framework-Problem", refused), ("Framework-User", who),
    ):  # fmt: skip
        check(document, name, response)


async def test_a_page_that_ends_early_has_only_described_properties(site: Any) -> None:
    document = await document_for(site, "boss")
    for _ in range(2):
        await site.make(title="x" * PAGE_BYTES)
    async with site.client("boss") as client:
        page = (await client.get("/api/v1/Sale?limit=2")).json()
    check(document, "Sale-Page", page)
    assert page["truncated_by"] == "bytes"
    assert page.keys() == document["components"]["schemas"]["Sale-Page"]["properties"].keys()


def check(document: dict[str, Any], name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.validate(value, schema, jsonschema.Draft202012Validator)


async def test_bodies_that_the_schemas_refuse_are_refused(site: Any) -> None:
    document = await document_for(site, "boss")
    for body, sound in (
        ({"title": "a"}, True), ({"title": "a", "lines": [{"text": "b"}]}, True), ({}, False), ({"title": 1}, False),
        ({"title": "a", "total": "1.00"}, False), ({"title": "a", "color": "green"}, False),
        ({"title": "a", "lines": [{"txet": "b"}]}, False), ({"title": "a", "owner": "me"}, False),
    ):  # fmt: skip
        schema = {"$ref": "#/components/schemas/Sale-Create", "components": document["components"]}
        assert jsonschema.Draft202012Validator(schema).is_valid(body) is sound, body
        async with site.client("boss") as client:
            assert (await client.post("/api/v1/Sale", json=body)).status_code == (201 if sound else 400), body


async def test_examples_can_be_sent_as_they_are(site: Any) -> None:
    document = await document_for(site, "boss")
    example = document["components"]["schemas"]["Sale-Create"]["examples"][0]
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={**example, "partner": None})
    assert response.status_code == 201, response.text


async def test_it_is_kept_by_the_client_until_it_changes(site: Any) -> None:
    async with site.client("boss") as client:
        first = await client.get(PATH)
        again = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    async with site.client("reader") as client:
        assert (await client.get(PATH, headers={"if-none-match": first.headers["etag"]})).status_code == 200


@pytest.mark.parametrize("page", ["swagger", "redoc"])
async def test_pages_load_files_of_this_server_alone(site: Any, page: str) -> None:
    async with site.client("boss") as client:
        shown = await client.get(f"/schema/{page}")
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self';" in shown.headers["content-security-policy"]
        loaded = re.findall(r'(?:src|href)="([^"]*)"', shown.text)
        assert loaded
        for address in loaded:
            if address != "data:,":
                assert address.startswith("assets/")
                asset = await client.get(f"/schema/{address}")
                assert asset.status_code == 200
                assert asset.content
        assert (await client.get("/schema/assets/..%2F__init__.py")).status_code == 404
        assert (await client.get("/schema/assets/__init__.py")).status_code == 404
