"""Everybody has lists of their own; a manager sees all."""

import pytest

from framework_m import PermissionDeniedError, ValidationError
from framework_m_testing.apps import AppClient
from framework_m_testing.people import TestUser


async def test_each_sees_their_own(ada: TestUser, bob: TestUser, app: AppClient) -> None:
    todo = await app.make("Todo", ada, title="Write the tests")
    assert todo["owner"] == ada.id
    assert [found["title"] for found in (await ada.list("Todo")).items] == ["Write the tests"]
    assert (await bob.list("Todo")).items == []
    assert len((await app.user("Todo Manager").list("Todo")).items) == 1


async def test_nobody_writes_into_a_list_of_somebody_else(ada: TestUser, bob: TestUser, app: AppClient) -> None:
    hers = await app.make("TodoList", ada)
    with pytest.raises(ValidationError) as refused:
        await bob.create("Todo", {"title": "Mine", "todo_list": hers["id"]})
    assert [error.field for error in refused.value.errors] == ["todo_list"]


async def test_without_a_role_nothing_is_seen(app: AppClient) -> None:
    with pytest.raises(PermissionDeniedError):
        await app.user().list("Todo")
