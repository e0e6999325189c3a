"""What the controller promises."""

import pytest

from framework_m import ValidationError
from framework_m_testing.apps import AppClient
from framework_m_testing.people import TestUser


async def test_the_time_follows_the_tick(app: AppClient, ada: TestUser) -> None:
    todo = await app.make("Todo", ada)
    assert todo["done_at"] is None
    done = await ada.update("Todo", todo["id"], {"done": True})
    assert done["done_at"] is not None
    assert (await ada.update("Todo", todo["id"], {"done": False}))["done_at"] is None


async def test_the_title_of_the_list_comes_along(app: AppClient, ada: TestUser) -> None:
    garden = await app.make("TodoList", ada, title="Garden")
    todo = await app.make("Todo", ada, todo_list=garden["id"])
    assert todo["list_title"] == "Garden"


async def test_a_closed_list_takes_nothing_more(app: AppClient, ada: TestUser) -> None:
    garden = await app.make("TodoList", ada, closed=True)
    with pytest.raises(ValidationError, match="is closed"):
        await ada.create("Todo", {"title": "Mow", "todo_list": garden["id"]})


async def test_closing_a_list_closes_its_todos(app: AppClient, ada: TestUser) -> None:
    garden = await app.make("TodoList", ada)
    todos = [await app.make("Todo", ada, todo_list=garden["id"]) for _ in range(3)]
    elsewhere = await app.make("Todo", ada)
    await ada.update("TodoList", garden["id"], {"closed": True})
    await app.deliver()
    assert all([(await ada.get("Todo", todo["id"]))["done"] for todo in todos])
    assert not (await ada.get("Todo", elsewhere["id"]))["done"]
