"""An app with a cache of its own, from the configuration file to answers over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.product import Product

APP = '''
"""Prices, which are asked for more often than they change."""

from pathlib import Path

from framework_m import CacheProtocol, DocType, Documents, DocUpdated, on, rpc
from framework_m_standard.memory.cache import MemoryCache


class ToldCache(MemoryCache):
    """A cache that writes down what becomes of its entries."""

    async def set(self, key, value, ttl=None):
        self._tell(f"set {key}")
        await super().set(key, value, ttl)

    async def delete(self, key):
        self._tell(f"delete {key}")
        return await super().delete(key)

    def _tell(self, line):
        with Path("told.txt").open("a") as file:
            file.write(line + "\\n")


class Price(DocType):
    """What one costs."""

    amount: int = 0

    class Meta:
        naming = "prompt"
        permissions = {action: {"Guest": "all"} for action in ("create", "read", "write")}


@rpc("shop.price", allow_guest=True)
async def price(name: str, documents: Documents, cache: CacheProtocol) -> int:
    kept = await cache.get(f"price:{name}")
    if kept is None:
        kept = await documents.get("Price", name)
        await cache.set(f"price:{name}", kept, ttl=60)
    return kept["amount"]


@on("Price", DocUpdated)
async def forget(event: DocUpdated, documents: Documents, cache: CacheProtocol) -> None:
    await cache.delete(f"price:{event.data['name']}")
'''
PROJECT = """
[project]
name = "price-list"

[project.entry-points."framework_m.apps"]
price_list = "price_list"

[project.entry-points."framework_m.adapters.cache"]
told = "price_list:ToldCache"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Product]:
    """The app, which chooses its own cache."""
    (tmp_path / "price_list.py").write_text(APP)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "framework_config.toml").write_text('[adapters]\ncache = "told"\n')
    product = Product(tmp_path, f"sqlite:///{tmp_path / 'app.db'}")
    yield product
    product.kill()


def _price(client: httpx.Client) -> object:
    response = client.post("/api/v1/rpc/fn/shop.price", json={"name": "tea"})
    assert response.status_code == 200, response.text
    return response.json()["result"]


def test_answers_come_from_the_chosen_cache_until_the_event_has_been_handled(shop: Product) -> None:
    shown = [" ".join(line.split()) for line in shop.m("info", "--verbose").stdout.splitlines()]
    chosen = "cache told price_list:ToldCache by config, outranks default (default)"
    assert any(line.startswith(chosen) for line in shown)
    shop.start()
    with shop.client() as client:
        made = client.post("/api/v1/Price", json={"name": "tea", "amount": 3})
        assert made.status_code == 201, made.text
        assert [_price(client), _price(client)] == [3, 3]
        client.patch(f"/api/v1/Price/{made.json()['id']}", json={"amount": 5}).raise_for_status()
        deadline = time.monotonic() + 10
        while _price(client) != 5:
            assert time.monotonic() < deadline, "the event was not handled"
            time.sleep(0.05)
    assert shop.stop() == 0
    told = (shop.app / "told.txt").read_text().splitlines()
    assert told == ["set price:tea", "delete price:tea", "set price:tea"]
