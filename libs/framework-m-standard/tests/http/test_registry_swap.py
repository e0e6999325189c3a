"""What HTTP serves follows the registry: tags, metadata and OpenAPI change with it, kept responses do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_standard.http.settings import HttpSettings
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore
from framework_m_testing.harness import keep_registry

from .conftest import Site, make_registry, make_site
from .site_app import Hidden, Line, Sale, SaleController


class NotedSale(Sale):
    noted: str = "none"

    class Meta:
        overrides = True


def _noted() -> Registry:
    builder = RegistryBuilder()
    for model in (Line, Sale, Hidden, NotedSale):
        builder.add_doctype(model, "sales")
    builder.add_controller(SaleController)
    return builder.freeze()


@pytest.fixture
async def changing(tmp_path: Path) -> AsyncIterator[tuple[Site, RegistryChanges]]:
    driver = make_driver(SqlSettings(url=f"sqlite:///{tmp_path}/data.db"), tmp_path)
    await driver.open()
    store = SqlStore(driver, RegistryHandle(make_registry()))
    try:
        site = await make_site(store, HttpSettings(), True)
        yield site, RegistryChanges(store.registry_handle, SqlSchemaMapper(store), keep_registry)
    finally:
        await driver.close()


async def test_answers_follow_the_registry(changing: tuple[Site, RegistryChanges]) -> None:
    site, changes = changing
    async with site.client("boss") as client:
        once = {"idempotency-key": "once"}
        made = await client.post("/api/v1/Sale", json={"title": "one"}, headers=once)
        path = f"/api/v1/Sale/{made.json()['id']}"
        before = await client.get(path)
        described, openapi = await client.get("/api/meta/Sale"), await client.get("/schema/openapi.json")
        await changes.apply(_noted())
        tag = {"if-none-match": before.headers["etag"]}
        after = await client.get(path, headers=tag)
        assert (after.status_code, after.json()["noted"]) == (200, "none")
        assert (await client.get(path, headers={"if-none-match": after.headers["etag"]})).status_code == 304
        assert (await client.patch(path, json={"title": "two"}, headers={"if-match": tag["if-none-match"]})).is_success
        again = await client.post("/api/v1/Sale", json={"title": "one"}, headers=once)
        assert again.content == made.content
        for old, url in ((described, "/api/meta/Sale"), (openapi, "/schema/openapi.json")):
            new = await client.get(url, headers={"if-none-match": old.headers["etag"]})
            assert (new.status_code, "noted" in old.text, "noted" in new.text) == (200, False, True), url
        assert (await client.get("/api/v1/Problem")).status_code == 404, "a DocType that is gone"
