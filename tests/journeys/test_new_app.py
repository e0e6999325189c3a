"""A new app, from `m new app` to documents over HTTP."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.product import M, Product

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Product]:
    """A new app, not started."""
    subprocess.run([M, "new", "app", "shop"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    product = Product(tmp_path / "shop", "")
    yield product
    product.kill()


def create_user(product: Product, name: str, role: str) -> None:
    """A user who may log in."""
    product.passwords[name] = secrets.token_urlsafe(12)
    command = ("user", "create", f"{name}@example.com", "--role", role, "--password-stdin")
    product.m(*command, stdin=product.passwords[name] + "\n")


def test_it_starts_uninstalled_and_keeps_what_is_whose(shop: Product) -> None:
    for name, role in {"ada": "Shop User", "bob": "Shop User", "eve": "Shop Manager"}.items():
        create_user(shop, name, role)
    shop.start()
    assert shop.client().get("/api/v1/Task").status_code == 401
    ada, bob, eve = (shop.client(name) for name in ("ada", "bob", "eve"))
    made = ada.post("/api/v1/Task", json={"title": "Open the shop"})
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["done_at"]) == ("TASK-0001", None)
    path = f"/api/v1/Task/{made.json()['id']}"
    assert bob.get(path).status_code == 404
    assert ada.delete(path).status_code == 403
    assert eve.patch(path, json={"status": "Done"}).json()["done_at"] is not None
    assert eve.delete(path).status_code == 204


def test_new_doctypes_are_served(shop: Product) -> None:
    shop.m("new", "doctype", "Customer", "--field", "full_name: str")
    shop.m("new", "doctype", "Line", "--child", "--field", "text: str", "--field", "price: Decimal")
    fields = ("customer: Customer", "lines: list[Line]", "kind: Literal['Web', 'Desk']", "due: date | None")
    shop.m("new", "doctype", "Order", "--submittable", *(part for field in fields for part in ("--field", field)))
    create_user(shop, "eve", "Shop Manager")
    shop.start()
    eve = shop.client("eve")
    customer = eve.post("/api/v1/Customer", json={"full_name": "Ada"}).json()
    lines = [{"text": "Chair", "price": "249.00"}]
    order = eve.post("/api/v1/Order", json={"customer": customer["id"], "kind": "Web", "lines": lines})
    assert order.status_code == 201, order.text
    assert [line["price"] for line in order.json()["lines"]] == ["249.00"]
    assert eve.post(f"/api/v1/Order/{order.json()['id']}/submit").json()["docstatus"] == 1
    assert eve.post("/api/v1/Order", json={"customer": customer["id"], "kind": "Fax"}).status_code == 400
