"""The CRM on MongoDB, chosen by the installed variant alone: the journeys of the other stores, and its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.product import Product, copy_crm
from tests.journeys.test_invoice import (
    LINES,
    test_a_submitted_invoice_activates_its_customer,
    test_lists_page_filter_and_count,
    test_two_users_invoice_and_a_manager_submits,
)
from tests.mongo_server import OwnMongo
from tests.mongo_variant import install_variant

__all__ = [
    "test_a_submitted_invoice_activates_its_customer",
    "test_lists_page_filter_and_count",
    "test_two_users_invoice_and_a_manager_submits",
]

pytestmark = pytest.mark.xdist_group("journeys-mongo")


def _product(folder: Path, url: str) -> Product:
    """The CRM with the variant; `DATABASE_URL` stays, and is not used."""
    environment = {
        "PYTHONPATH": str(install_variant(folder / "installed")),
        "M_MONGO__URL": url,
        "M_MONGO__DATABASE": f"test_{secrets.token_hex(8)}",
        "M_MONGO__CONNECT_TIMEOUT_SECONDS": "1",
    }
    return Product(copy_crm(folder), f"sqlite:///{folder / 'unused.db'}", environment)


@pytest.fixture(scope="module")
def crm(mongodb_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running CRM with one user of each kind."""
    product = _product(tmp_path_factory.mktemp("crm-mongo"), mongodb_url)
    try:
        product.create_users()
        product.start()
        yield product
    finally:
        product.kill()


def test_the_variant_chooses_the_store_and_its_steps(crm: Product) -> None:
    shown = [" ".join(line.split()) for line in crm.m("info", "--verbose").stdout.splitlines()]
    assert any(line.startswith("reader mongo framework_mx_mongo.reader:MongoReader by variant mongo") for line in shown)
    assert any("init_mongo_store" in line for line in shown)
    assert not [line for line in shown if "init_engine" in line]
    assert not (crm.app.parent / "unused.db").exists()


def test_errors_are_those_of_every_store(crm: Product) -> None:
    with crm.client("alice") as alice, crm.client("nobody") as nobody, crm.client() as anonymous:
        item = {"item_code": secrets.token_hex(4), "description": "Chair", "rate": "2.50"}
        assert alice.post("/api/v1/Item", json=item).status_code == 201
        twice = alice.post("/api/v1/Item", json=item)
        assert (twice.status_code, twice.json()["code"]) in {(409, "duplicate_value"), (409, "duplicate_name")}
        assert nobody.get("/api/v1/Customer").status_code == 403
        assert anonymous.get("/api/v1/Customer").status_code == 401
        operator = '[{"field": "full_name", "operator": "eq", "value": {"$ne": null}}]'
        assert alice.get("/api/v1/Customer", params={"filters": operator}).status_code == 400
        assert alice.post("/api/v1/Customer", json={"full_name": {"$gt": ""}}).status_code == 400
        assert alice.get("/schema/openapi.json").status_code == 200
        assert anonymous.get("/ready").status_code == 200


def test_a_key_does_a_write_once(crm: Product) -> None:
    with crm.client("alice") as alice:
        key = {"idempotency-key": secrets.token_hex(8)}
        first, second = [alice.post("/api/v1/Customer", json={"full_name": "Once"}, headers=key) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()


def test_migrations_take_the_schema_over(mongodb_url: str, tmp_path: Path) -> None:
    """What development made is adopted; production starts with it, and refuses to change it."""
    product = _product(tmp_path, mongodb_url)
    product.create_users({"admin": ("Administrator",)})
    done = product.m("migrate", "init").stdout
    assert "0001_initial.py" in done
    assert "nothing to do" in product.m("migrate", "status").stdout
    assert product.m("migrate", "verify").returncode == 0
    for line in ("revision", "done", "0001_initial"):
        assert line in product.m("migrate", "history").stdout, line
    product.environment["M_MONGO__DATABASE"] = f"test_{secrets.token_hex(8)}"
    previewed = product.m("migrate", "run", "--dry-run").stdout
    assert "-- revision 0001_initial" in previewed
    assert "new collection Customer" in previewed
    assert "did 0001_initial" in product.m("migrate", "run").stdout
    assert "nothing to do" in product.m("migrate", "run").stdout


def test_without_its_server_the_app_says_so_and_comes_back(own_mongodb: OwnMongo, tmp_path: Path) -> None:
    server, product = own_mongodb, _product(tmp_path, own_mongodb.url)
    try:
        product.create_users({"alice": ("Sales User",)})
        product.start()
        with product.client("alice") as alice:
            customer = alice.post("/api/v1/Customer", json={"full_name": "Kept"}).json()
            server.stop()
            refused = alice.post("/api/v1/Invoice", json={"customer": customer["id"], "items": LINES})
            assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
            assert int(refused.headers["retry-after"]) > 0
            assert alice.get(f"/api/v1/Customer/{customer['id']}").status_code == 503
            assert alice.get("/ready").status_code == 503
            server.start()
            assert alice.get(f"/api/v1/Customer/{customer['id']}").json() == customer
    finally:
        product.kill()


@pytest.mark.slow
def test_a_store_that_is_killed_during_writes_loses_none_that_was_acknowledged(
    own_mongodb: OwnMongo, tmp_path: Path
) -> None:
    """The store keeps its data on disk; the app, which is not started again, says 503 meanwhile."""
    server, product = own_mongodb, _product(tmp_path, own_mongodb.url)
    try:
        product.create_users({"alice": ("Sales User",)})
        product.start()
        with product.client("alice") as alice:
            acknowledged, statuses = [], set()
            for number in range(60):
                if number == 20:
                    server.kill()
                elif number == 25:
                    server.start()
                response = alice.post("/api/v1/Customer", json={"full_name": f"Customer {number}"})
                statuses.add(response.status_code)
                if response.status_code == 201:
                    acknowledged.append(response.json())
            assert statuses == {201, 503}
            assert len(acknowledged) >= 50
            for one in acknowledged:
                assert alice.get(f"/api/v1/Customer/{one['id']}").json() == one
    finally:
        product.kill()
