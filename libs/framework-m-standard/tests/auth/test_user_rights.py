"""The rights of users through the one door, in Python: who gives and takes them, and that an administrator stays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import LastAdministratorError, PermissionDeniedError
from framework_m_standard.doctypes.user import User
from framework_m_standard.doctypes.user_rights import check_rights

from .conftest import MEMORY, PASSWORD, StartWorker, Worker

ADA, BEN = "ada@example.com", "ben@example.com"
RACES = 5


@pytest.fixture(params=["sqlite", "postgres", MEMORY])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return MEMORY if request.param == MEMORY else f"sqlite:///{tmp_path / 'auth.db'}"


def user(email: str = ADA, *, enabled: bool = True, **rights: Any) -> User:
    return User(email=email, enabled=enabled, **rights)


CLERK = user(roles=["Clerk"], attributes={"region": ["North"]})
MORE = user(roles=["Clerk", "Boss"], attributes={"region": ["North", "South"]})


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (None, user(), True),
        (None, user(roles=["Clerk", "Guest"]), True),
        (None, user(roles=["Boss"]), False),
        (None, user(attributes={"region": ["North"]}), True),
        (None, user(attributes={"region": ["North", "South"]}), False),
        (None, user(attributes={"branch": ["North"]}), False),
        (CLERK, user(BEN, enabled=False), True),
        (CLERK, None, True),
        (user(), CLERK, True),
        (user(attributes={"region": ["South"]}), user(), False),
        (MORE, MORE.model_copy(update={"full_name": "Ada"}), True),
        (MORE, MORE.model_copy(update={"email": BEN}), False),
        (MORE, MORE.model_copy(update={"enabled": False}), False),
        (MORE.model_copy(update={"enabled": False}), MORE, False),
        (MORE, CLERK, False),
        (MORE, None, False),
    ],
)
def test_nobody_gives_or_takes_what_they_do_not_hold(before: User | None, after: User | None, allowed: bool) -> None:
    clerk = Principal("clerk", frozenset({"Clerk"}), attributes={"region": ("North",)})
    check_rights(Principal("ada", frozenset({"Administrator"})), before, after)
    if allowed:
        check_rights(clerk, before, after)
        return
    with pytest.raises(PermissionDeniedError) as refused:
        check_rights(clerk, before, after)
    assert refused.value.details["rule"] == "User.rights"


@pytest.mark.parametrize("change", [{"enabled": False}, {"roles": []}, {"roles": ["Guest"]}])
async def test_the_last_administrator_who_may_log_in_stays(worker: Worker, change: Mapping[str, Any]) -> None:
    for email in (ADA, BEN):
        await worker.identity.create(email, PASSWORD, ["Administrator"])
    await worker.identity.disable(BEN)
    documents = worker.app.documents.client_for(worker.administrator)
    for scoped in (documents, documents.elevated("a test")):
        with pytest.raises(LastAdministratorError):
            await scoped.update("User", ADA, change)
        with pytest.raises(LastAdministratorError):
            await scoped.delete("User", ADA)
    await documents.update("User", BEN, {"enabled": True})
    await documents.update("User", ADA, change)
    await documents.delete("User", ADA)
    await worker.identity.disable(BEN, even_last_administrator=True)


async def test_a_deleted_administrator_is_purged(worker: Worker) -> None:
    for email in (ADA, BEN):
        await worker.identity.create(email, PASSWORD, ["Administrator"])
    documents, context = worker.app.documents, worker.administrator
    id = (await documents.get(context, "User", ADA))["id"]
    await documents.delete(context, "User", ADA)
    await documents.delete(context, "User", id, hard=True)
    assert [user.name for user in await worker.stored("User")] == [BEN]


async def test_two_administrators_who_disable_each_other_leave_one(start_worker: StartWorker) -> None:
    one, other = await start_worker(), await start_worker()
    for email in (ADA, BEN):
        await one.identity.create(email, PASSWORD, ["Administrator"])
    for _ in range(RACES):
        asked = [
            worker.app.documents.update(
                RequestContext(worker.administrator.principal), "User", email, {"enabled": False}
            )
            for worker, email in ((one, ADA), (other, BEN), (other, ADA), (one, BEN))
        ]
        responses = await asyncio.gather(*asked, return_exceptions=True)
        assert any(isinstance(response, LastAdministratorError) for response in responses), responses
        enabled = [user.email for user in await one.identity.list_users() if user.enabled]
        assert len(enabled) == 1
        for email in {ADA, BEN} - {*enabled}:
            await one.identity.enable(email)
