"""Users and their passwords on the real store."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from framework_m_core.domain.errors import DuplicateNameError, EntityNotFoundError, LinkedDocumentError, ValidationError
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.auth.passwords import Passwords
from framework_m_standard.sql.compiled import Statement

from .conftest import PASSWORD, StartWorker, Worker

EMAIL = "ada@example.com"


async def entries(worker: Worker, id: UUID) -> Sequence[AuditEntry]:
    found: Sequence[AuditEntry] = await worker.app.container.get("audit_log").entries("User", id)
    return found


async def test_a_new_user_is_found_by_id_and_password(worker: Worker) -> None:
    user = await worker.identity.create(" Ada@Example.com", PASSWORD, ["Administrator"], full_name="Ada")
    assert (user.email, user.roles, user.enabled, user.epoch) == (EMAIL, frozenset({"Administrator"}), True, 0)
    assert await worker.identity.find(user.id) == user
    assert await worker.identity.verify_password("ADA@example.com ", PASSWORD) == user
    assert await worker.identity.all() == [user]


async def test_a_new_user_is_a_document_like_others(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, ["Administrator"], full_name="Ada")
    document = await worker.app.documents.get(worker.administrator, "User", EMAIL)
    assert (document["id"], document["full_name"], document["_version"]) == (user.id, "Ada", 1)
    [entry] = await entries(worker, user.id)
    assert (entry.action, entry.actor, entry.reason) == ("create", "system", "create a user")


@pytest.mark.parametrize("password", ["wrong password", "", PASSWORD.upper(), "x" * 2000])
async def test_a_wrong_password_is_nobody(worker: Worker, password: str) -> None:
    await worker.identity.create(EMAIL, PASSWORD, [])
    assert await worker.identity.verify_password(EMAIL, password) is None


@pytest.mark.parametrize(
    "email", ["other@example.com", "", "' OR 1=1 --", "x" * 1000, "\ud800@example.com", "\0@example.com"]
)
async def test_an_unknown_user_is_nobody(worker: Worker, email: str) -> None:
    assert await worker.identity.verify_password(email, PASSWORD) is None


async def test_a_user_without_a_password_cannot_log_in(worker: Worker) -> None:
    await worker.identity.create(EMAIL, None, [])
    assert await worker.identity.verify_password(EMAIL, "") is None


async def test_an_address_is_taken_once(worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, [])
    with pytest.raises(DuplicateNameError, match=r"there is a user ada@example\.com already"):
        await worker.identity.create("ADA@example.com", PASSWORD, [])


@pytest.mark.parametrize(
    ("email", "password", "roles", "message"),
    [
        ("ada", PASSWORD, [], "not valid"),
        ("a da@example.com", PASSWORD, [], "not valid"),
        ("a/b@example.com", PASSWORD, [], "not valid"),
        (EMAIL, "short", [], "8 to 1024 characters"),
        (EMAIL, PASSWORD, ["Administrator", "Pilot"], "no role 'Pilot': known are Administrator, Guest"),
    ],
)
async def test_what_a_new_user_must_be(
    worker: Worker, email: str, password: str, roles: list[str], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        await worker.identity.create(email, password, roles)
    assert await worker.identity.all() == []


async def test_a_new_password_voids_the_old_one_and_all_sessions(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    opened = await worker.sessions.open(user.id, user.epoch, SessionKind.TOKEN)
    changed = await worker.identity.set_password(EMAIL, "another long one")
    assert changed.epoch == 1
    assert await worker.identity.verify_password(EMAIL, PASSWORD) is None
    assert await worker.identity.verify_password(EMAIL, "another long one") == changed
    assert await worker.sessions.find(opened.session.id) is None
    assert [entry.reason for entry in await entries(worker, user.id)] == ["create a user", "set a password"]


async def test_a_role_is_given_once(worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, [])
    for _ in range(2):
        user = await worker.identity.add_role(EMAIL, "Administrator")
    assert user.roles == {"Administrator"}
    with pytest.raises(ValidationError, match="no role 'Pilot'"):
        await worker.identity.add_role(EMAIL, "Pilot")


async def test_a_disabled_user_is_out(worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, [])
    user = await worker.identity.disable(EMAIL)
    assert (user.enabled, user.epoch) == (False, 1)
    assert await worker.identity.verify_password(EMAIL, PASSWORD) is None


async def test_an_unknown_user_cannot_be_changed(worker: Worker) -> None:
    for change in (
        worker.identity.set_password(EMAIL, PASSWORD),
        worker.identity.add_role(EMAIL, "Administrator"),
        worker.identity.disable(EMAIL),
    ):
        with pytest.raises(EntityNotFoundError, match=r"no user 'ada@example\.com'"):
            await change
    assert await worker.identity.find(uuid4()) is None


async def test_changes_are_announced(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    announced: list[UUID] = []
    worker.app.container.get("commit_watchers").watch("User", announced.append)
    await worker.identity.set_password(EMAIL, PASSWORD)
    await worker.identity.disable(EMAIL)
    assert announced == [user.id, user.id]


async def test_an_old_hash_is_replaced_at_login(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    older = await Passwords(memory_kib=1024, passes=1).hash(PASSWORD)
    async with worker.app.container.get("unit_of_work")(worker.administrator) as unit:
        [credential] = (await unit.repository("UserCredential").list()).items
        credential.password_hash = older
        await unit.repository("UserCredential").update(credential, expected_version=credential.row_version)
        await unit.commit()
    assert await worker.identity.verify_password(EMAIL, PASSWORD) == user
    async with worker.app.container.get("unit_of_work")(worker.administrator) as unit:
        [credential] = (await unit.repository("UserCredential").list()).items
    assert credential.password_hash.startswith("$argon2id$v=19$m=19456,")
    assert await worker.identity.verify_password(EMAIL, PASSWORD) == user


async def test_a_hash_is_nowhere_but_in_its_column(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    await worker.identity.set_password(EMAIL, "another long one")
    async with worker.app.container.get("unit_of_work")(worker.administrator) as unit:
        [credential] = (await unit.repository("UserCredential").list()).items
    assert credential.password_hash.startswith("$argon2id$")
    events = Statement("SELECT data FROM m_outbox WHERE doctype = 'User'")
    recorded = await worker.app.container.get("sql_driver").fetch(events, ())
    assert len(recorded) == 2
    traces = [credential, str(credential), await entries(worker, user.id), recorded]
    assert "argon2" not in repr(traces)


async def test_a_password_for_development_opens_nothing_in_production(
    worker: Worker, start_worker: StartWorker
) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [], for_development=True)
    production = await start_worker(production=True)
    assert await worker.identity.verify_password(EMAIL, PASSWORD) == user
    assert await production.identity.verify_password(EMAIL, PASSWORD) is None
    await worker.identity.set_password(EMAIL, PASSWORD)
    assert await production.identity.verify_password(EMAIL, PASSWORD) is not None
    await worker.identity.set_password(EMAIL, PASSWORD, for_development=True)
    assert await production.identity.verify_password(EMAIL, PASSWORD) is None


async def test_roles_that_doctypes_name_are_there_and_audited(worker: Worker) -> None:
    role = await worker.app.documents.get(worker.administrator, "Role", "Administrator")
    [entry] = await worker.app.container.get("audit_log").entries("Role", role["id"])
    assert (entry.action, entry.actor, entry.reason) == ("create", "system", "roles named by DocTypes")


async def test_a_role_stays_while_somebody_has_it(worker: Worker) -> None:
    documents = worker.app.documents
    await documents.create(worker.administrator, "Role", {"name": "Clerk"})
    await worker.identity.create(EMAIL, PASSWORD, ["Clerk"])
    with pytest.raises(LinkedDocumentError, match="1 users have the role Clerk"):
        await documents.delete(worker.administrator, "Role", "Clerk")
    await documents.update(worker.administrator, "User", EMAIL, {"roles": []})
    await documents.delete(worker.administrator, "Role", "Clerk")


@pytest.mark.parametrize("doctype", ["UserCredential", "UserSession", "LoginAttempt"])
def test_what_identity_keeps_has_no_api(worker: Worker, doctype: str) -> None:
    assert not worker.app.snapshot.get(doctype).meta.has_api
