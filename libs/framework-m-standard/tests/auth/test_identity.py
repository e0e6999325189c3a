"""Users and their passwords on the real stores: the contract, and what is this adapter's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import (
    LastAdministratorError,
    LinkedDocumentError,
    NoGrantError,
    ValidationError,
)
from framework_m_core.interfaces.audit_log import AuditEntry, AuditLogProtocol
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.auth.credentials.passwords import Passwords
from framework_m_standard.auth.identity import DocumentIdentity
from framework_m_standard.sql.engine.statement import Statement
from framework_m_testing.contracts.identity import IdentityContract
from tests.errors import assert_names

from .conftest import MEMORY, PASSWORD, PRODUCTION, StartWorker, Worker

EMAIL = "ada@example.com"


async def entries(worker: Worker, id: UUID) -> Sequence[AuditEntry]:
    audit_log: AuditLogProtocol = worker.app.container.get("audit_log")
    return await audit_log.list_entries(make_system_context("a test", source="cli"), "User", id)


class TestDocumentIdentity(IdentityContract):
    @pytest.fixture
    def identity(self, worker: Worker) -> DocumentIdentity:
        return worker.identity

    @pytest.fixture
    async def production(self, identity: DocumentIdentity, start_worker: StartWorker) -> DocumentIdentity:
        return (await start_worker(production=True)).identity

    @pytest.fixture
    def kept(self, worker: Worker) -> Callable[[], Awaitable[str]]:
        return lambda: worker.told("User", "UserCredential")


class TestDocumentIdentityInMemory(TestDocumentIdentity):
    @pytest.fixture
    def database_url(self) -> str:
        return MEMORY

    @pytest.fixture
    def production(self, worker: Worker, tmp_path: Path) -> DocumentIdentity:
        """Built, since the store in memory refuses to start there."""
        settings = load_settings(tmp_path, PRODUCTION)
        found: DocumentIdentity = worker.app.container.build(DocumentIdentity, settings=settings)
        return found


async def test_a_new_user_is_a_document_like_others(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, ["Administrator"], full_name="Ada")
    document = await worker.app.documents.get(worker.administrator, "User", EMAIL)
    assert (document["id"], document["full_name"], document["_version"]) == (user.id, "Ada", 1)
    [entry] = await entries(worker, user.id)
    assert (entry.action, entry.actor, entry.reason) == ("create", "system", "create a user")


@pytest.mark.parametrize(
    ("email", "password", "roles", "message"),
    [
        ("a/b@example.com", PASSWORD, [], "not valid"),
        (EMAIL, "x" * 1025, [], "8 to 1024 characters"),
        (
            EMAIL,
            PASSWORD,
            ["Administrator", "Pilot"],
            "existing roles, got 'Pilot': known are Administrator, All, Guest",
        ),
    ],
)
async def test_what_is_wrong_with_a_user_is_said(
    worker: Worker, email: str, password: str, roles: list[str], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        await worker.identity.create(email, password, roles)


async def test_a_new_password_removes_all_sessions_and_is_audited(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    opened = await worker.sessions.open(user.id, user.epoch, SessionKind.TOKEN)
    await worker.identity.set_password(EMAIL, "another long one")
    assert await worker.sessions.find(opened.session.id) is None
    assert [entry.reason for entry in await entries(worker, user.id)] == ["create a user", "set a password"]


async def test_a_password_is_audited_without_its_hash(worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, [])
    await worker.identity.set_password(EMAIL, "another long one")
    [credential] = await worker.stored("UserCredential")
    audit_log: AuditLogProtocol = worker.app.container.get("audit_log")
    found = await audit_log.list_entries(make_system_context("a test", source="cli"), "UserCredential", credential.id)
    told = [(entry.action, entry.actor, entry.reason) for entry in found]
    assert told == [("create", "system", "create a user"), ("write", "system", "set a password")]
    assert not any("password_hash" in entry.changes for entry in found)


async def test_what_is_so_already_is_no_change(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, ["Administrator"])
    await worker.identity.enable(EMAIL)
    await worker.identity.add_role(EMAIL, "Administrator")
    assert [entry.action for entry in await entries(worker, user.id)] == ["create"]


async def test_whoever_has_the_command_line_may_lock_out_the_last_administrator(worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, ["Administrator"])
    with pytest.raises(LastAdministratorError):
        await worker.app.documents.update(worker.administrator, "User", EMAIL, {"enabled": False})
    elevated = worker.administrator.elevated("an app's own code")
    with pytest.raises(LastAdministratorError):
        await worker.app.documents.update(elevated, "User", EMAIL, {"enabled": False})
    for source in ("cli", "job"):  # a step's, a patch's and a job's
        system = make_system_context("an app's own code", source=source)
        with pytest.raises(LastAdministratorError):
            await worker.app.documents.update(system, "User", EMAIL, {"enabled": False})
        with pytest.raises(LastAdministratorError):
            await worker.app.documents.delete(system, "User", EMAIL)
    with pytest.raises(LastAdministratorError):
        await worker.identity.disable(EMAIL)
    assert not (await worker.identity.disable(EMAIL, even_last_administrator=True)).enabled


async def test_only_elevated_work_changes_documents_in_place(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])

    def change(document: Any) -> None:
        document.epoch, document.owner, document.docstatus, document.name = 9, "eve", 1, "eve"

    with pytest.raises(NoGrantError):
        await worker.app.documents.change(worker.administrator, "User", user.id, change)
    changed = await worker.app.documents.change(worker.administrator.elevated("a test"), "User", user.id, change)
    assert (changed["epoch"], changed["docstatus"], changed["name"]) == (9, 0, EMAIL)
    [_, entry] = await entries(worker, user.id)
    assert (entry.actor, entry.reason, entry.changes["epoch"]) == ("the-administrator", "a test", [0, 9])


async def test_changes_are_announced(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    announced: list[UUID] = []
    worker.app.container.get("commit_listeners").watch("User", announced.append)
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
    [credential] = await worker.stored("UserCredential")
    assert credential.password_hash.startswith("$argon2id$v=19$m=19456,")
    assert await worker.identity.verify_password(EMAIL, PASSWORD) == user


async def test_a_hash_is_nowhere_but_in_its_column(worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    await worker.identity.set_password(EMAIL, "another long one")
    [credential] = await worker.stored("UserCredential")
    assert credential.password_hash.startswith("$argon2id$")
    events = Statement("SELECT data FROM m_outbox WHERE doctype = 'User'")
    recorded = await worker.app.container.get("sql_driver").fetch(events, ())
    assert len(recorded) == 2
    traces = [credential, str(credential), await entries(worker, user.id), recorded]
    assert "argon2" not in repr(traces)


async def test_roles_that_doctypes_name_are_there_and_audited(worker: Worker) -> None:
    role = await worker.app.documents.get(worker.administrator, "Role", "Administrator")
    [entry] = await worker.app.container.get("audit_log").list_entries(
        make_system_context("a test", source="cli"), "Role", role["id"]
    )
    assert (entry.action, entry.actor, entry.reason) == ("create", "system", "roles named by DocTypes")


async def test_a_role_stays_while_somebody_has_it(worker: Worker) -> None:
    documents = worker.app.documents
    await documents.create(worker.administrator, "Role", {"name": "Clerk"})
    await worker.identity.create(EMAIL, PASSWORD, ["Clerk"])
    with pytest.raises(LinkedDocumentError) as refused:
        await documents.delete(worker.administrator, "Role", "Clerk")
    assert_names(refused.value, "1", "role Clerk")
    await documents.update(worker.administrator, "User", EMAIL, {"roles": []})
    await documents.delete(worker.administrator, "Role", "Clerk")


@pytest.mark.parametrize("doctype", ["UserCredential", "UserSession", "LoginAttempt"])
def test_what_identity_keeps_has_no_api(worker: Worker, doctype: str) -> None:
    assert not worker.app.registry.get(doctype).meta.has_api
