"""The example todo app, started uninstalled where it stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.product import Product, copy_example


@pytest.fixture
def todo(tmp_path: Path) -> Iterator[Product]:
    """The app, served, with a user."""
    product = Product(copy_example("todo", tmp_path), f"sqlite:///{tmp_path / 'todo.db'}")
    product.create_users({"ada": ("Todo User",)})
    product.start()
    yield product
    product.kill()


def test_a_list_is_filled_postponed_and_closed(todo: Product) -> None:
    ada = todo.client("ada")
    garden = ada.post("/api/v1/TodoList", json={"title": "Garden"}).json()
    body = {"title": "Mow", "todo_list": garden["id"], "due": "2030-01-31", "priority": "High"}
    made = ada.post("/api/v1/Todo", json=body)
    assert made.status_code == 201, made.text
    mow = made.json()
    assert (mow["name"], mow["list_title"], mow["done_at"]) == ("TODO-00001", "Garden", None)
    postponed = ada.post("/api/v1/rpc/Todo/postpone", json={"doc_id": mow["id"], "days": 1})
    assert postponed.json() == {"result": "2030-02-01"}
    assert ada.patch(f"/api/v1/TodoList/{garden['id']}", json={"closed": True}).status_code == 200
    deadline = time.monotonic() + 20
    while not ada.get(f"/api/v1/Todo/{mow['id']}").json()["done"]:
        assert time.monotonic() < deadline, "the handler has not run"
        time.sleep(0.1)
    refused = ada.post("/api/v1/Todo", json=body)
    assert [entry["code"] for entry in refused.json()["errors"]] == ["closed"]
