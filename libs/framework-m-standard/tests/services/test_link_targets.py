"""Whom a link may name: what its setter may read, or select; and nothing is fetched from what cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from framework_m import Comparison, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import FieldError, LinkTargetError, NoGrantError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
BOSS = RequestContext(Principal("boss", frozenset({"Administrator"})))


class Person(DocType):
    """May be named by clerks while active, and be read by nobody but the administrator."""

    full_name: str = ""
    active: bool = True

    class Meta:
        permissions = {"select": {"Clerk": Comparison("active", "eq", True)}}


class Room(DocType):
    """Whose code clerks do not see."""

    code: str = Field(default="", permlevel=1)

    class Meta:
        permissions = {"read": {"Clerk": "all"}}
        field_levels = {1: {"read": ["Warden"]}}


class Errand(DocType):
    """Names a person, plainly and with the name fetched."""

    assignee: UUID | None = Field(default=None, link="Person")
    helper: UUID | None = Field(default=None, link="Person")
    helper_name: str | None = Field(default=None, fetch_from="helper.full_name")

    start: UUID | None = Field(default=None, link="Room")
    end: UUID | None = Field(default=None, link="Room")
    end_code: str | None = Field(default=None, fetch_from="end.code", permlevel=1)

    class Meta:
        permissions = {"create": {"Clerk": "all"}, "read": {"Clerk": "all"}}
        field_levels = {1: {"read": ["Warden"]}}


class Vault(DocType):
    """Unknown to clerks."""

    class Meta:
        submittable = True


class Transfer(DocType):
    """Whose link clerks do not follow."""

    vault: UUID | None = Field(default=None, link="Vault")

    class Meta:
        submittable = True
        permissions = {action: {"Clerk": "all"} for action in ("create", "read", "submit")}


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Person, Room, Errand, Vault, Transfer):
        builder.add_doctype(doctype, "office")
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def test_what_may_be_selected_may_be_linked_to_and_no_more(office: Wired) -> None:
    person = await office.documents.create(BOSS, "Person", {"full_name": "Ada"})
    errand = await office.documents.create(CLERK, "Errand", {"assignee": str(person["id"])})
    assert errand["assignee"] == person["id"]
    with pytest.raises(NoGrantError):
        await office.documents.get(CLERK, "Person", person["id"])
    with pytest.raises(LinkTargetError):
        await office.documents.create(CLERK, "Errand", {"helper": str(person["id"])})
    helped = await office.documents.create(BOSS, "Errand", {"helper": str(person["id"])})
    assert helped["helper_name"] == "Ada"


async def test_the_scope_of_select_counts(office: Wired) -> None:
    away = await office.documents.create(BOSS, "Person", {"active": False})
    for target in (away["id"], uuid4()):
        with pytest.raises(LinkTargetError) as refused:
            await office.documents.create(CLERK, "Errand", {"assignee": str(target)})
        assert refused.value.errors == (FieldError("assignee", "invalid_link", params={"doctype": "Person"}),), target


async def test_a_link_is_judged_by_what_is_fetched_over_it_alone(office: Wired) -> None:
    here, there = [(await office.documents.create(BOSS, "Room", {}))["id"] for _ in range(2)]
    with pytest.raises(LinkTargetError) as refused:
        await office.documents.create(CLERK, "Errand", {"start": str(here), "end": str(there)})
    assert [error.field for error in refused.value.errors] == ["end"]


async def test_a_target_without_a_grant_is_not_named(office: Wired) -> None:
    vault = (await office.documents.create(BOSS, "Vault", {}))["id"]
    await office.documents.submit(BOSS, "Vault", vault)
    transfer = (await office.documents.create(BOSS, "Transfer", {"vault": str(vault)}))["id"]
    await office.documents.cancel(BOSS, "Vault", vault)
    for who, params in ((CLERK, {}), (BOSS, {"doctype": "Vault"})):
        with pytest.raises(ValidationError) as refused:
            await office.documents.submit(who, "Transfer", transfer)
        assert refused.value.errors == (FieldError("vault", "cancelled_target", params=params),), params
        many = office.documents.create(who, "Transfer", {"vault": str(uuid4())})
        with pytest.raises(LinkTargetError) as refused:
            await many
        assert refused.value.errors == (FieldError("vault", "invalid_link", params=params),), params
