"""What can be called over HTTP, and by whom."""

from datetime import UTC, date, datetime, timedelta

import pytest

from framework_m_testing.apps import AppClient
from framework_m_testing.people import TestUser

POSTPONE = "/api/v1/rpc/Todo/postpone"


async def test_a_todo_is_postponed_from_the_day_it_is_due(app: AppClient, ada: TestUser) -> None:
    due = datetime.now(UTC).date() + timedelta(days=10)
    todo = await app.make("Todo", ada, due=due)
    async with app.client(ada) as client:
        response = await client.post(POSTPONE, json={"doc_id": todo["name"], "days": 7})
    assert response.json() == {"result": str(due + timedelta(days=7))}
    assert (await ada.get("Todo", todo["id"]))["due"] == due + timedelta(days=7)


async def test_nobody_postpones_what_is_not_theirs(app: AppClient, ada: TestUser, bob: TestUser) -> None:
    todo = await app.make("Todo", ada)
    async with app.client(bob) as client:
        assert (await client.post(POSTPONE, json={"doc_id": todo["name"]})).status_code == 404
    async with app.client() as client:
        assert (await client.post(POSTPONE, json={"doc_id": todo["name"]})).status_code == 401


@pytest.mark.parametrize("days", [0, -1, 3651, 10**8, -(10**8), 2**62, "7", 1.5])
async def test_a_todo_is_postponed_by_a_number_of_days_that_makes_sense(
    app: AppClient, ada: TestUser, days: object
) -> None:
    todo = await app.make("Todo", ada)
    async with app.client(ada) as client:
        response = await client.post(POSTPONE, json={"doc_id": todo["name"], "days": days})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["days"]


async def test_there_is_no_day_after_the_last(app: AppClient, ada: TestUser) -> None:
    todo = await app.make("Todo", ada, due=date.max)
    async with app.client(ada) as client:
        response = await client.post(POSTPONE, json={"doc_id": todo["name"], "days": 1})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "no_later_day")
