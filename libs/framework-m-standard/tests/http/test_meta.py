"""Metadata: what a caller may see of the DocTypes, and not more."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.domain.documents.actions import ACTIONS


async def test_the_overview_holds_what_the_caller_may_do(site: Any) -> None:
    async with site.client("blue") as client:
        modules = (await client.get("/api/meta")).json()["modules"]
    assert [module["name"] for module in modules] == ["sales"]
    assert modules[0]["doctypes"] == [
        {"name": "Sale", "label": "Sale", "submittable": True, "permissions": ["read"]},
        {"name": "Tag", "label": "Tag", "submittable": False, "permissions": ["read", "create"]},
    ]


async def test_guests_see_what_is_open_to_them(site: Any) -> None:
    async with site.client() as client:
        modules = (await client.get("/api/meta")).json()["modules"]
        assert [doctype["name"] for doctype in modules[0]["doctypes"]] == ["Tag"]
        assert (await client.get("/api/meta/Tag")).status_code == 200
        assert (await client.get("/api/meta/Sale")).status_code == 401


async def test_one_doctype(site: Any) -> None:
    async with site.client("boss") as client:
        meta = (await client.get("/api/meta/Sale")).json()
    names = ["title", "color", "rate", "secret", "total", "extra", "partner", "lines", "amended_from"]
    assert [field["name"] for field in meta["fields"]] == names
    assert meta["layout"]["sections"][0]["fields"] == names
    assert meta["views"]["list"]["columns"] == ["name", "title"]
    assert meta["permissions"] == {action: True for action in ACTIONS if action != "select"}
    assert (meta["workflow"], meta["submittable"], meta["naming"], meta["module"]) == (None, True, "S-.####", "sales")
    assert meta["title_field"] == "color"
    by_name = {field["name"]: field for field in meta["fields"]}
    assert by_name["partner"]["link"] == "Sale"
    assert by_name["color"]["choices"] == ["red", "blue"]
    assert (by_name["rate"]["kind"], by_name["rate"]["scale"]) == ("decimal", 8)
    assert (by_name["title"]["required"], by_name["total"]["read_only"], by_name["title"]["read_only"]) == (
        True,
        True,
        False,
    )
    assert [field["name"] for field in by_name["lines"]["fields"]] == ["text", "price", "margin", "code"]


async def test_the_schema(site: Any) -> None:
    async with site.client("boss") as client:
        schema = (await client.get("/api/meta/Sale")).json()["schema"]
    properties = schema["properties"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["title"]
    assert list(properties)[:3] == ["id", "name", "owner"]
    assert (properties["rate"]["type"], properties["rate"]["format"]) == ("string", "decimal")
    assert (properties["partner"]["x-framework-m-link"], properties["total"]["x-framework-m-read-only"]) == (
        "Sale",
        True,
    )
    assert properties["total"]["readOnly"] is True
    assert "_version" in properties
    assert "deleted_at" not in properties
    assert "default" not in properties["creation"]
    row = properties["lines"]["items"]
    assert list(row["properties"]) == ["id", "text", "price", "margin", "code"]
    assert row["properties"]["price"]["x-framework-m-minimum"] == "0"
    assert row["required"] == ["text"]


async def test_hidden_fields_do_not_exist(site: Any) -> None:
    async with site.client("reader") as client:
        response = await client.get("/api/meta/Sale")
    meta = response.json()
    assert "secret" not in response.text
    assert "margin" not in response.text
    assert list(meta["schema"]["properties"]["lines"]["items"]["properties"]) == ["id", "text", "price", "code"]


async def test_who_may_only_read_is_told_so(site: Any) -> None:
    async with site.client("blue") as client:
        meta = (await client.get("/api/meta/Sale")).json()
    assert meta["permissions"] == {action: action == "read" for action in ACTIONS if action != "select"}
    assert all(field["read_only"] for field in meta["fields"])
    assert all(described["readOnly"] for described in meta["schema"]["properties"].values())


async def test_a_prompted_name_is_a_field(site: Any) -> None:
    async with site.client("boss") as client:
        meta = (await client.get("/api/meta/Tag")).json()
    assert meta["naming"] == "prompt"
    assert (meta["fields"][0]["name"], meta["fields"][0]["required"]) == ("name", True)
    assert "readOnly" not in meta["schema"]["properties"]["name"]


@pytest.mark.parametrize("path", ["/api/meta", "/api/meta/Sale"])
async def test_metadata_is_cached_by_its_tag(site: Any, path: str) -> None:
    async with site.client("boss") as client:
        etag = (await client.get(path)).headers["etag"]
        again = await client.get(path, headers={"if-none-match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    async with site.client("reader") as client:
        other = await client.get(path, headers={"if-none-match": etag})
        assert other.status_code == 200


async def test_no_parameters(site: Any) -> None:
    async with site.client("boss") as client:
        assert (await client.get("/api/meta?x=1")).status_code == 400
        assert (await client.get("/api/meta/Sale?x=1")).status_code == 400
