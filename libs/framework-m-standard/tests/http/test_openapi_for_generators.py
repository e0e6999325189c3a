"""What code generators and validators need of the OpenAPI document, and that responses are as it says."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import jsonschema
import pytest

from framework_m_core.services.rows.sizes import PAGE_BYTES

from .openapi_documents import JSON_SCHEMA_WORDS, METHODS, OURS, PATH, Served, document_for, operations, schemas

CALLERS = ("admin", "boss", "reader", "blue", "nobody")


@pytest.fixture
async def document(site: Any) -> Any:
    """The document of a caller who may do everything."""
    return await document_for(site, "boss")


@pytest.mark.parametrize("who", CALLERS)
async def test_titles_are_unique_and_names_make_identifiers(site: Any, who: str) -> None:
    components = (await document_for(site, who))["components"]
    titles = Counter(schema["title"].lower() for schema in components["schemas"].values())
    assert [title for title, count in titles.items() if count > 1] == []
    names = [name for kind in components.values() for name in kind]
    assert [name for name in names if re.fullmatch(r"[A-Za-z0-9_-]+", name) is None] == []


async def test_a_doctype_keeps_its_title(document: dict[str, Any]) -> None:
    """`SalePage` is a DocType here, and a page of sales is called so too."""
    schemas = document["components"]["schemas"]
    assert (schemas["SalePage"]["title"], schemas["Sale-Page"]["title"]) == ("SalePage", "SalePage2")


@pytest.mark.parametrize("who", CALLERS)
async def test_words_beyond_json_schema_are_prefixed(site: Any, who: str) -> None:
    document = await document_for(site, who)
    found = document["components"]["schemas"].values()
    words = {word for schema in found for part in schemas(schema) for word in part}
    assert {word for word in words - JSON_SCHEMA_WORDS if not word.startswith(OURS)} == set()
    assert {f"{OURS}link", f"{OURS}scale"} <= words or who == "nobody"
    assert [word for word in document if word.startswith("x-") and not word.startswith(OURS)] == []


@pytest.mark.parametrize("who", CALLERS)
async def test_nothing_stands_in_it_that_nothing_refers_to(site: Any, who: str) -> None:
    document = await document_for(site, who)
    text = str(document)
    for kind in ("schemas", "parameters", "responses", "headers"):
        unused = [name for name in document["components"][kind] if f"'#/components/{kind}/{name}'" not in text]
        assert unused == [], kind


async def test_operations_say_what_they_do(document: dict[str, Any]) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for path, one in operations(document):
        assert one["summary"] and one["description"] and all(tags[tag] for tag in one["tags"]), path
        doctype = re.match(r"/api/v1/(?:rpc/)?([A-Z]\w*)", path)
        if doctype:
            assert doctype[1] in one["summary"] and one["tags"] == [doctype[1]], path


def expected_errors(path: str, method: str, operation: dict[str, Any]) -> set[str]:
    errors = {"400"} if path == "/health" else {"400", "503"}
    if operation.get("security") != [] or path.startswith(("/api/v1/auth", "/api/v1/rpc")):
        errors |= {"401"}
    if path.startswith("/api/v1/") and "/auth/" not in path:
        errors |= {"403"}
    if "{" in path:
        errors |= {"403", "404"}
    if "requestBody" in operation:
        errors |= {"413", "415"}
    if "{id}" in path and method != "get":
        errors |= {"409"}
    if any(one.get("$ref", "").endswith("/if_match") for one in operation.get("parameters", ())):
        errors |= {"412"}
    if re.fullmatch(r"/api/v1/[A-Z]\w*(/search)?", path) and operation["operationId"].startswith(("list", "search")):
        errors |= {"429"}
    return errors | ({"428"} if method == "put" else set()) | ({"429"} if path.endswith("/login") else set())


async def test_operations_state_the_errors_that_can_happen(document: dict[str, Any]) -> None:
    for path, found in document["paths"].items():
        for method in METHODS & found.keys():
            missing = expected_errors(path, method, found[method]) - found[method]["responses"].keys()
            assert missing == set(), f"{method} {path}"


async def test_bodies_mean_what_they_say(document: dict[str, Any]) -> None:
    """No default makes a generator send, or require, what the caller has not said."""
    schemas = document["components"]["schemas"]
    create, update, row = schemas["Sale-Create"], schemas["Sale-Update"], schemas["Sale-lines-RowUpdate"]
    assert create["required"] == ["title"]
    assert create["properties"]["color"][f"{OURS}default"] == "red"
    assert "required" not in update and "required" not in row
    assert update["additionalProperties"] is False and row["additionalProperties"] is False
    assert list(row["properties"]) == ["id", "text", "price", "margin", "code"]
    assert "id" not in schemas["Sale-lines-RowCreate"]["properties"]
    assert schemas["Sale-lines-RowCreate"]["required"] == ["text"]
    assert schemas["Sale-lines-Row"]["required"] == ["id", "text", "price", "margin", "code"]
    for name, schema in schemas.items():
        for described in schema.get("properties", {}).values():
            assert described.keys().isdisjoint({"default", "readOnly", "writeOnly"}), name


async def test_choices_are_one_component(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    places = [schemas[f"Sale{suffix}"]["properties"]["color"]["$ref"] for suffix in ("", "-Create", "-Update")]
    assert set(places) == {"#/components/schemas/Sale-color"}
    assert schemas["Sale-color"]["enum"] == ["red", "blue"]
    assert str(document).count("['red', 'blue']") == 1


async def test_searches_are_typed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    search = schemas["Sale-Search"]["properties"]
    assert search["expand"]["items"]["enum"] == ["partner", "amended_from"]
    assert {"lines", "title"} <= {*search["fields"]["items"]["enum"]}
    assert {"title", "-title"} <= {*search["order_by"]["items"]["enum"]}
    assert all("null" in str(schema) for schema in search.values())  # as a page's next_cursor may be
    assert (search["order_by"]["maxItems"], search["expand"]["maxItems"]) == (5, 5)
    assert (search["limit"]["minimum"], search["limit"]["maximum"]) == (1, 500)
    assert "lines" not in schemas["Sale-Comparison"]["properties"]["field"]["enum"]
    valid = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/Sale-Search", "components": document["components"]}
    ).is_valid
    comparison = {"field": "partner", "operator": "is_null", "value": True}
    filters: Any
    for filters in (None, [], comparison, [comparison], {"and": [comparison, {"not": {"or": [comparison]}}]}):
        assert valid({"filters": filters}), filters
    for filters in ({"field": "nonsense", "operator": "eq", "value": 1}, {"and": [], "or": []}, {}, "title"):
        assert not valid({"filters": filters}), filters


async def test_searches_name_only_readable_fields(site: Any) -> None:
    search = (await document_for(site, "reader"))["components"]["schemas"]["Sale-Comparison"]
    assert "secret" not in search["properties"]["field"]["enum"]


NULL = '[{"field": "partner", "operator": "is_null", "value": true}]'
LISTS = (
    "", "?fields=title,lines,rate", "?expand=partner", "?expand=partner&fields=partner", f"?filters={NULL}",
    f"?filters={NULL}&expand=partner&count=exact", "?include_deleted=true", "?limit=1", "?titles=true",
    "?order_by=-title",
)  # fmt: skip
DOCUMENTS = (
    "",
    "?fields=title,lines,rate",
    "?expand=partner",
    "?fields=partner&expand=partner",
    "?titles=true",
    "?titles=1&expand=partner&fields=partner",
)


@pytest.mark.parametrize("who", ["boss", "reader", "blue"])
async def test_reads_are_as_the_document_says(site: Any, who: str) -> None:
    """Each with and without expanded links, chosen fields and filters for null."""
    first = await site.make(lines=[{"text": "a", "price": "2.50"}], color="blue")
    second = await site.make(partner=first["id"], color="blue")
    document = await document_for(site, who)
    async with site.client(who) as client:
        served = Served(client, document)
        for query in LISTS:
            if "include_deleted" not in query or who == "boss":
                await served("GET", f"/api/v1/Sale{query}", "/api/v1/Sale")
        for query in DOCUMENTS:
            for made in (first, second):
                body = await served("GET", f"/api/v1/Sale/{made['id']}{query}", "/api/v1/Sale/{id}")
        assert body["partner"]["id"] == first["id"]
        searched = {"cursor": None, "filters": {"not": {"field": "partner", "operator": "is_null", "value": True}}}
        found = await served("POST", "/api/v1/Sale/search", "/api/v1/Sale/search", json=searched)
        assert [sale["id"] for sale in found["items"]] == [second["id"]]
        for path in ("/api/meta", "/api/meta/Sale", "/api/v1/auth/me", "/health", "/ready", PATH):
            await served("GET", path, path.replace("meta/Sale", "meta/{doctype}"))


async def test_a_page_that_ends_early_is_as_the_document_says(site: Any, document: dict[str, Any]) -> None:
    async with site.client("boss") as client:
        served = Served(client, document)
        for name in ("a", "b"):
            await served("POST", "/api/v1/Tag", "/api/v1/Tag", json={"name": name, "text": "x" * PAGE_BYTES})
        assert (await served("GET", "/api/v1/Tag", "/api/v1/Tag"))["truncated_by"] == "bytes"


async def test_writes_are_as_the_document_says(site: Any, document: dict[str, Any]) -> None:
    partner = await site.make()
    async with site.client("boss") as client:
        served, one = Served(client, document), "/api/v1/Sale/{id}"
        body = {"title": "a", "partner": partner["id"], "lines": [{"text": "b"}, {"text": "c"}]}
        made = await served("POST", "/api/v1/Sale", "/api/v1/Sale", json=body)
        path = f"/api/v1/Sale/{made['id']}"
        rows = [{"id": made["lines"][1]["id"], "price": "1.00"}, {"text": "d"}]
        changed = await served("PATCH", path, one, json={"lines": rows})
        assert [row["text"] for row in changed["lines"]] == ["c", "d"]
        await served("PUT", path, one, json={"_version": changed["_version"], "color": "blue"})
        await served("POST", f"{path}/submit", f"{one}/submit")
        await served("POST", f"{path}/cancel", f"{one}/cancel", json={})
        await served("DELETE", path, one)


STALE = {"json": {}, "headers": {"if-match": '"x"'}}


@pytest.mark.parametrize(
    ("who", "method", "path", "template", "more", "status"),
    [
        (None, "GET", "/api/v1/Sale", "/api/v1/Sale", {}, 401),
        ("nobody", "GET", "/api/v1/Sale", "/api/v1/Sale", {}, 403),
        ("boss", "GET", "/api/v1/Sale/x", "/api/v1/Sale/{id}", {}, 404),
        ("boss", "GET", "/api/v1/Sale?x=1", "/api/v1/Sale", {}, 400),
        ("boss", "GET", "/api/meta?x=1", "/api/meta", {}, 400),
        ("boss", "GET", "/api/v1/auth/me?x=1", "/api/v1/auth/me", {}, 400),
        ("boss", "POST", "/api/v1/Sale", "/api/v1/Sale", {"json": {"titel": 1}}, 400),
        ("boss", "POST", "/api/v1/Sale", "/api/v1/Sale", {"content": b"a", "headers": {"content-type": "a/b"}}, 415),
        ("boss", "PUT", "/api/v1/Sale/{made}", "/api/v1/Sale/{id}", {"json": {"title": "a"}}, 428),
        ("boss", "PATCH", "/api/v1/Sale/{made}", "/api/v1/Sale/{id}", {"json": {"_version": 9}}, 409),
        ("boss", "PATCH", "/api/v1/Sale/{made}", "/api/v1/Sale/{id}", STALE, 412),
    ],
)  # fmt: skip
async def test_errors_are_as_the_document_says(
    site: Any, document: dict[str, Any], who: str | None, method: str, path: str, template: str, more: Any, status: int
) -> None:
    made = await site.make()
    async with site.client(who) if who else site.client() as client:
        body = await Served(client, document)(method, path.format(made=made["id"]), template, **more)
    assert body["status"] == status
