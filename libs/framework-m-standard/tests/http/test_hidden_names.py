"""Metadata, the OpenAPI document and errors name nothing that the caller may not read.

Two apps differ only in the names of what is hidden from a reader; the reader gets the same bytes from both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from framework_m import DocType, Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.http.settings import HttpSettings
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore

from .conftest import Site, make_site

_BOSS = {"read": ["Boss"], "write": ["Boss"]}
_ALL = {"read": ["Boss", "Reader"], "write": ["Boss", "Reader"]}
_LEVELS = {1: _ALL, 2: _BOSS}
_EVERYTHING = {action: {"Reader": "all", "Boss": "all"} for action in ("read", "create", "write")}
_LINK = UUID | None
_NAMES = ("zqone", "zqtwo")
_MISSING = "01890a5d-ac96-774b-bcce-b302099a8057"
_PATHS = ("/api/meta", "/api/meta/Open", "/api/meta/Half", "/schema/openapi.json")


def _doctype(name: str, fields: Mapping[str, tuple[Any, Any]], **options: Any) -> type[DocType]:
    meta = type("Meta", (), {"__qualname__": f"{name}.Meta", **options})
    annotations = {field: annotation for field, (annotation, _) in fields.items()}
    values = {field: value for field, (_, value) in fields.items()}
    own = {"__module__": __name__, "__qualname__": name, "__annotations__": annotations, "Meta": meta, **values}
    return type(name, (DocType,), own)


def _text(**keywords: Any) -> tuple[Any, Any]:
    return str | None, Field(default=None, **keywords)


def _link(target: str, **keywords: Any) -> tuple[Any, Any]:
    return _LINK, Field(default=None, link=target, **keywords)


def _relations(hidden: str) -> dict[str, tuple[Any, Any]]:
    """Links and fetched fields whose targets, sources or links are hidden from the reader, beside some that are not."""
    secret = hidden.capitalize()
    return {
        "half": _link("Half"),
        "chosen": _link("Chosen"),
        "inner": _link("Inner"),
        "secret": _link(secret),
        "internal": _link(f"{secret}Internal"),
        hidden: _link("Half", permlevel=2),
        "seen": _text(fetch_from="half.seen"),
        "of_a_hidden_field": _text(fetch_from=f"half.{hidden}", permlevel=1),
        "of_a_hidden_target": _text(fetch_from="secret.title"),
        "of_a_selected_target": _text(fetch_from=f"chosen.title_{hidden}"),
        "over_a_hidden_link": _text(fetch_from=f"{hidden}.seen"),
        "fetched_link": _link(secret, fetch_from="half.secret"),
        "over_a_fetched_link": _text(fetch_from="fetched_link.title"),
    }


def _registry(hidden: str) -> Registry:
    secret = hidden.capitalize()
    boss = {"permissions": {"read": {"Boss": "all"}}}
    chosen = {"read": {"Boss": "all"}, "select": {"Reader": "all"}}
    row = _doctype("Row", _relations(hidden), is_child_table=True, field_levels=_LEVELS)
    half = {"seen": _text(), hidden: (str, Field(default="h", permlevel=1)), "secret": _link(secret)}
    builder = RegistryBuilder()
    for doctype in (
        row,
        _doctype(secret, {"title": _text()}, **boss),
        _doctype(f"{secret}Internal", {"title": _text()}, api_resource=False, **boss),
        _doctype("Inner", {"title": _text()}, api_resource=False, permissions={"read": {"Reader": "all"}}),
        _doctype("Chosen", {f"title_{hidden}": _text()}, permissions=chosen),
        _doctype("Half", half, permissions=_EVERYTHING, field_levels={1: _BOSS}),
        _doctype(
            "Open",
            {**_relations(hidden), "rows": (list[row], [])},  # type: ignore[valid-type]
            permissions=_EVERYTHING,
            field_levels=_LEVELS,
        ),
    ):
        builder.add_doctype(doctype, "things")
    return builder.freeze()


@asynccontextmanager
async def _site(path: Path, hidden: str) -> AsyncIterator[Site]:
    driver = make_driver(SqlSettings(url=f"sqlite:///{path}/{hidden}.db"), path)
    await driver.open()
    try:
        yield await make_site(SqlStore(driver, RegistryHandle(_registry(hidden))), HttpSettings(), True)
    finally:
        await driver.close()


async def _told(site: Site, who: str) -> dict[str, str]:
    async with site.client(who) as client:
        responses = {path: await client.get(path) for path in _PATHS}
        for field in ("secret", "internal", "inner", "chosen", "half"):
            for body in ({field: _MISSING}, {"rows": [{field: _MISSING}]}):
                responses[f"POST {body}"] = await client.post("/api/v1/Open", json=body)
    return {
        name: _without_request(response.text, response.headers["x-request-id"]) for name, response in responses.items()
    }


def _without_request(text: str, request_id: str) -> str:
    return text.replace(request_id, "")


async def test_what_is_hidden_is_not_named(tmp_path: Path) -> None:
    told: list[dict[str, str]] = []
    async with AsyncExitStack() as stack:
        for hidden in _NAMES:
            site = await stack.enter_async_context(_site(tmp_path, hidden))
            told.append(await _told(site, "reader"))
            everything = "".join((await _told(site, "boss")).values())
            for name in (hidden, hidden.capitalize(), f"half.{hidden}", f"{hidden}.seen"):
                assert name in everything, f"{name} is hidden from those who may read it"
    for name, text in told[0].items():
        assert not [one for one in _NAMES if one in (text + told[1][name]).lower()], name
        assert text == told[1][name], name


async def test_what_may_be_read_or_selected_is_named(tmp_path: Path) -> None:
    async with _site(tmp_path, _NAMES[0]) as site, site.client("reader") as client:
        described = (await client.get("/api/meta/Open")).json()
        schemas = (await client.get("/schema/openapi.json")).json()["components"]["schemas"]
    fields = {field["name"]: field for field in described["fields"]}
    rows = {field["name"]: field for field in fields["rows"]["fields"]}
    properties = described["schema"]["properties"]
    named = {"half": "Half", "chosen": "Chosen", "inner": "Inner"}
    for table, schema in ((fields, properties), (rows, properties["rows"]["items"]["properties"])):
        assert {name: field["link"] for name, field in table.items() if field["link"]} == named, sorted(table)
        assert {name: field["fetch_from"] for name, field in table.items() if field["fetch_from"]} == {
            "seen": "half.seen",
            "fetched_link": "half.secret",
        }, sorted(table)
        assert {
            name: one["x-framework-m-link"] for name, one in schema.items() if "x-framework-m-link" in one
        } == named, sorted(table)
        assert [name for name, one in schema.items() if "x-framework-m-fetch-from" in one] == [
            "seen",
            "fetched_link",
        ], sorted(table)
    for component in ("Open", "Open-Create", "Open-Update"):
        assert schemas[component]["properties"]["half"]["x-framework-m-link"] == "Half", component
