"""Users through the one door: the rules of their controller."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.controllers.controller import Documents
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    NoGrantError,
    ValidationError,
)
from framework_m_core.interfaces.session import SessionKind

from .conftest import PASSWORD, Worker

EMAIL = "ada@example.com"


@pytest.fixture
def documents(worker: Worker) -> Documents:
    return worker.app.documents.client_for(worker.administrator)


async def test_the_address_is_folded_and_becomes_the_name(documents: Documents) -> None:
    user = await documents.create("User", {"email": " Ada@EXAMPLE.com "})
    assert (user["email"], user["name"]) == (EMAIL, EMAIL)
    with pytest.raises((DuplicateNameError, DuplicateValueError)):
        await documents.create("User", {"email": "ADA@example.com"})


@pytest.mark.parametrize("email", ["", "ada", "@", "ada@", "a b@c", "a@b@c", "a/b@c", "x" * 250 + "@example.com"])
async def test_what_is_no_address_is_refused(documents: Documents, email: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await documents.create("User", {"email": email})
    assert [error.field for error in caught.value.errors] == ["email"]


async def test_roles_must_exist(documents: Documents) -> None:
    with pytest.raises(ValidationError) as caught:
        await documents.create("User", {"email": EMAIL, "roles": ["Administrator", "Pilot"]})
    assert [(error.field, error.code) for error in caught.value.errors] == [("roles", "unknown_role")]
    await documents.create("Role", {"name": "Pilot", "description": "Flies"})
    user = await documents.create("User", {"email": EMAIL, "roles": ["Pilot", "Pilot"]})
    assert user["roles"] == ["Pilot"]


@pytest.mark.parametrize("name", [" Administrator", "Administrator ", "Administrator\t", "administrator"])
async def test_roles_are_named_as_they_are(documents: Documents, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await documents.create("User", {"email": EMAIL, "roles": [name]})
    assert [(error.field, error.code) for error in caught.value.errors] == [("roles", "unknown_role")]


async def test_disabling_voids_sessions_by_the_epoch(documents: Documents, worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, [])
    changes: list[dict[str, Any]] = [
        {"full_name": "Ada"},
        {"enabled": False},
        {"full_name": "A"},
        {"enabled": True},
        {"enabled": False},
    ]
    epochs = [(await documents.update("User", EMAIL, change))["epoch"] for change in changes]
    assert epochs == [0, 1, 1, 1, 2]


async def test_the_epoch_is_not_for_writing(documents: Documents) -> None:
    await documents.create("User", {"email": EMAIL})
    with pytest.raises(ValidationError):
        await documents.update("User", EMAIL, {"epoch": 5})


async def test_a_deleted_user_leaves_no_password_and_no_session(documents: Documents, worker: Worker) -> None:
    user = await worker.identity.create(EMAIL, PASSWORD, [])
    await worker.sessions.open(user.id, 0, SessionKind.TOKEN)
    await documents.delete("User", EMAIL)
    assert [*await worker.stored("UserCredential"), *await worker.stored("UserSession")] == []
    assert await worker.identity.find(user.id) is None
    assert await worker.identity.verify_password(EMAIL, PASSWORD) is None
    with pytest.raises(EntityNotFoundError):
        await worker.identity.disable(EMAIL)


async def test_only_administrators_see_users(worker: Worker) -> None:
    principal = Principal("somebody", frozenset({"Guest"}))
    with pytest.raises(NoGrantError):
        await worker.app.documents.get(RequestContext(principal), "User", EMAIL)
