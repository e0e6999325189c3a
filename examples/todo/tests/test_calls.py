"""What can be called over HTTP, and by whom."""

from datetime import UTC, datetime, timedelta

from framework_m_testing.apps import AppClient
from framework_m_testing.people import TestUser

POSTPONE = "/api/v1/rpc/Todo/postpone"


async def test_a_todo_is_postponed_from_the_day_it_is_due(app: AppClient, ada: TestUser) -> None:
    due = datetime.now(UTC).date() + timedelta(days=10)
    todo = await app.make("Todo", ada, due=due)
    async with app.client(ada) as client:
        answer = await client.post(POSTPONE, json={"doc_id": todo["name"], "days": 7})
    assert answer.json() == {"result": str(due + timedelta(days=7))}
    assert (await ada.get("Todo", todo["id"]))["due"] == due + timedelta(days=7)


async def test_nobody_postpones_what_is_not_theirs(app: AppClient, ada: TestUser, bob: TestUser) -> None:
    todo = await app.make("Todo", ada)
    async with app.client(bob) as client:
        assert (await client.post(POSTPONE, json={"doc_id": todo["name"]})).status_code == 404
    async with app.client() as client:
        assert (await client.post(POSTPONE, json={"doc_id": todo["name"]})).status_code == 401
