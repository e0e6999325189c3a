"""The CRM with everything in Redis that can be there, whose server is killed and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from tests.journeys.product import Product, copy_crm, email
from tests.redis_server import OwnRedis

pytestmark = pytest.mark.xdist_group("journeys-redis")

CHOSEN = {
    "M_ADAPTERS__CACHE": "two_level",
    "M_ADAPTERS__SESSION": "redis",
    "M_ADAPTERS__LOGIN_ATTEMPTS": "redis",
    "M_ADAPTERS__EVENT_BUS": "redis",
}


@pytest.fixture
def crm(own_redis: OwnRedis, tmp_path: Path) -> Iterator[Product]:
    """A running CRM on SQLite with one user."""
    product = Product(copy_crm(tmp_path), f"sqlite:///{tmp_path / 'crm.db'}", {**CHOSEN, "M_REDIS__URL": own_redis.url})
    try:
        product.create_users({"alice": ("Sales User",)})
        product.start()
        yield product
    finally:
        product.kill()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _ready(crm: Product) -> httpx.Response:
    return httpx.get(f"{crm.address}/ready", timeout=10)


def test_an_outage_is_told_and_nothing_is_lost(crm: Product, own_redis: OwnRedis) -> None:
    """Logins wait, other requests go on; what is written meanwhile reaches the stream, all without a restart."""
    assert _ready(crm).status_code == 200
    with crm.client("alice") as alice, Redis.from_url(own_redis.url) as redis:
        ids = [alice.post("/api/v1/Customer", json={"full_name": "Before"}).json()["id"]]
        own_redis.kill()
        refused = _ready(crm)
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert httpx.get(f"{crm.address}/health").status_code == 200
        login = {"username": email("alice"), "password": crm.passwords["alice"]}
        waits = httpx.post(f"{crm.address}/api/v1/auth/login", json=login)
        assert (waits.status_code, waits.json()["code"]) == (503, "service_unavailable")
        assert int(waits.headers["retry-after"]) > 0
        assert httpx.get(f"{crm.address}/schema/openapi.json").status_code in {200, 401}
        made = crm.m("user", "list", check=False)
        assert made.returncode != 0  # no process starts without what it is configured with
        own_redis.start()
        _until(lambda: _ready(crm).status_code == 200)
        ids.append(alice.post("/api/v1/Customer", json={"full_name": "After"}).json()["id"])
        own_redis.cut()
        ids.append(_created(alice))

        def have_arrived() -> bool:
            text = repr(redis.xrange("framework_m:events"))
            return all(id in text for id in ids)

        _until(have_arrived)
    assert crm.stop() == 0


def _created(client: httpx.Client) -> str:
    """The id of a customer; a request that met the cut connections is repeated, as its answer says."""
    deadline = time.monotonic() + 30
    while (response := client.post("/api/v1/Customer", json={"full_name": "Cut"})).status_code != 201:
        assert response.status_code == 503 and "retry-after" in response.headers
        assert time.monotonic() < deadline, "it did not recover"
        time.sleep(0.1)
    return str(response.json()["id"])
