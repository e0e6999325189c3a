"""Role-based grants: the contract, and what is declared: who gets one, over which documents and which fields."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m import And, Comparison, DocType, Field, Not, Or, UserAttribute
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.auth.rbac import RbacPermission
from framework_m_standard.doctypes.user import User
from framework_m_testing.contracts.permission import PermissionContract, build_permission_registry

ME, OTHER = uuid4(), uuid4()


class Row(DocType):
    text: str
    cost: Decimal = Field(default=Decimal(0), scale=2, permlevel=1)
    line: int = Field(default=0, read_only=True)

    class Meta:
        is_child_table = True
        field_levels = {1: {"read": ["Boss", "Clerk"], "write": ["Boss"]}}


class Case(DocType):
    status: str = "Open"
    team: str = ""
    floor: int = 0
    paid: bool = False
    assignee: UUID | None = Field(default=None, link="User")
    note: str = Field(default="", permlevel=1)
    secret_note: str = Field(default="", permlevel=2)
    total: Decimal = Field(default=Decimal(0), scale=2, read_only=True)
    assignee_name: str | None = Field(default=None, fetch_from="assignee.full_name")
    rows: list[Row] = []
    hidden_rows: list[Row] = Field(default=[], permlevel=2)

    class Meta:
        permissions = {
            "read": {
                "Boss": "all",
                "Clerk": "own",
                "Guest": Comparison("status", "eq", "Public"),
                "Assigned": Comparison("assignee", "eq", UserAttribute("id")),
                "Floor": Comparison("floor", "in", UserAttribute("floors")),
                "Listed": Comparison("status", "in", ["Open", "Closed"]),
                "Nested": And((Comparison("status", "ne", "Draft"), Not(Or((Comparison("paid", "eq", True),))))),
            },
            "write": ["Clerk", "Boss"],
            "create": {"Clerk": "own"},
            "delete": {"Boss": "all"},
        }
        field_levels = {1: {"read": ["Boss", "Clerk"], "write": ["Boss"]}, 2: {"write": ["Boss"]}}


class TeamCase(DocType):
    team: str = ""

    class Meta:
        rls_field = "team"
        permissions = {"read": ["Clerk"]}


class AssignedCase(DocType):
    assignee: UUID | None = Field(default=None, link="User")

    class Meta:
        rls_field = "assignee"
        permissions = {"read": ["Clerk"]}


class OpenCase(DocType):
    class Meta:
        rls_field = None
        permissions = {"read": ["Clerk"]}


class ClosedCase(DocType):
    pass


def registry_of(*models: type[DocType]) -> Registry:
    builder = RegistryBuilder()
    for model in models:
        builder.add_doctype(model, "tests")
    return builder.freeze()


@pytest.fixture(scope="module")
def rbac() -> RbacPermission:
    return RbacPermission(RegistryHandle(registry_of(User, Row, Case, TeamCase, AssignedCase, OpenCase, ClosedCase)))


class TestRbacPermission(PermissionContract):
    @pytest.fixture
    def engine(self) -> RbacPermission:
        return RbacPermission(RegistryHandle(build_permission_registry()))

    @pytest.fixture
    def unable(self) -> list[RbacPermission]:
        """It decides by what is in memory."""
        return []


def person(*roles: str, id: object = ME, **attributes: tuple[str, ...]) -> Principal:
    return Principal(str(id), frozenset({*roles, "Guest"}), "me@example.com", attributes)


def case(**values: Any) -> dict[str, Any]:
    """A stored case; anybody's, unless stated."""
    empty = {"owner": str(OTHER), "status": "Open", "team": "", "floor": 0, "paid": False, "assignee": None}
    return {**empty, **values}


def covers(grant: Grant | None, principal: Principal, document: Mapping[str, Any]) -> bool:
    return grant is not None and matches(grant.bind(principal), document)


@pytest.mark.parametrize(
    ("principal", "doctype", "document", "expected"),
    [
        (person("Clerk"), "Case", case(owner=str(ME)), True),
        (person("Assigned"), "Case", case(assignee=ME), True),
        (person("Assigned"), "Case", case(assignee=OTHER), False),
        (person("Assigned"), "Case", case(assignee=None), False),
        (person("Assigned", id="not-a-uuid"), "Case", case(assignee=ME), False),
        (person("Floor", floors=("1", "3")), "Case", case(floor=3), True),
        (person("Floor", floors=("1", "3")), "Case", case(floor=2), False),
        (person("Floor", floors=("three", "9" * 30)), "Case", case(floor=3), False),
        (person("Floor"), "Case", case(floor=0), False),
        (person("Listed"), "Case", case(), True),
        (person("Nested"), "Case", case(), True),
        (person("Nested"), "Case", case(paid=True), False),
        (person("Clerk", team=("North", "South")), "TeamCase", {"team": "South"}, True),
        (person("Clerk", team=("North",)), "TeamCase", {"team": "South"}, False),
        (person("Clerk"), "TeamCase", {"team": ""}, False),
        (person("Clerk"), "AssignedCase", {"assignee": ME}, True),
        (person("Clerk"), "AssignedCase", {"assignee": OTHER}, False),
        (person("Clerk"), "OpenCase", {"owner": str(OTHER)}, True),
        (person("Administrator"), "ClosedCase", {"owner": str(OTHER)}, True),
        (make_system_context("a test", source="cli").principal, "ClosedCase", {"owner": str(OTHER)}, True),
    ],
)
async def test_reading(
    rbac: RbacPermission, principal: Principal, doctype: str, document: Mapping[str, Any], expected: bool
) -> None:
    assert covers(await rbac.grant(RequestContext(principal), doctype, "read"), principal, document) is expected


@pytest.mark.parametrize(
    ("roles", "doctype", "action"),
    [
        (("Boss",), "Case", "purge"),
        (("Boss", "Clerk"), "ClosedCase", "read"),
        (("administrator",), "ClosedCase", "read"),
    ],
)
async def test_no_grant(rbac: RbacPermission, roles: tuple[str, ...], doctype: str, action: str) -> None:
    assert await rbac.grant(RequestContext(person(*roles)), doctype, action) is None


def test_own_without_a_field_to_own_by_stops_the_start() -> None:
    class Nobodys(DocType):
        class Meta:
            rls_field = None
            permissions = {"write": {"Clerk": "own"}}

    with pytest.raises(ConfigurationError, match=r"Meta\.rls_field is None"):
        registry_of(Nobodys)


async def test_rules_name_the_roles_that_decided(rbac: RbacPermission) -> None:
    roles = {"Boss": "Case.read:Boss,Guest", "Administrator": "Case.read:Administrator"}
    found = {role: await rbac.grant(RequestContext(person(role)), "Case", "read") for role in roles}
    assert {role: grant.rule for role, grant in found.items() if grant} == roles


async def test_a_grant_cannot_be_widened(rbac: RbacPermission) -> None:
    grant = await rbac.grant(RequestContext(person("Clerk")), "Case", "read")
    with pytest.raises(AttributeError):
        grant.scopes = (EVERYTHING,)  # type: ignore[union-attr, misc]


FRAMEWORK = {"id", "name", "owner", "creation", "modified", "modified_by", "docstatus", "_version", "deleted_at"}
PLAIN = {"status", "team", "floor", "paid", "assignee", "total", "assignee_name", "rows", "rows.text", "rows.line"}
SET_BY_HOOKS = {"total", "assignee_name", "rows.line", "hidden_rows.line"}
LEVEL_1 = {"note", "rows.cost"}
LEVEL_2 = {"secret_note", "hidden_rows", "hidden_rows.text", "hidden_rows.line", "hidden_rows.cost"}


@pytest.mark.parametrize(
    ("roles", "readable", "writable"),
    [
        (("Clerk",), PLAIN | LEVEL_1, PLAIN),
        (("Boss",), PLAIN | LEVEL_1, PLAIN | LEVEL_1 | LEVEL_2),
        (("Clerk", "Boss"), PLAIN | LEVEL_1, PLAIN | LEVEL_1 | LEVEL_2),
        (("Administrator",), PLAIN | LEVEL_1 | LEVEL_2, PLAIN | LEVEL_1 | LEVEL_2),
    ],
)
async def test_fields(rbac: RbacPermission, roles: tuple[str, ...], readable: set[str], writable: set[str]) -> None:
    reading, writing = [
        await rbac.grant(RequestContext(person(*roles)), "Case", action) for action in ("read", "write")
    ]
    assert reading
    assert reading.readable == readable | FRAMEWORK
    assert reading.writable == frozenset()
    assert writing
    assert writing.writable == writable - SET_BY_HOOKS


async def test_a_level_is_not_read_by_those_who_only_read_documents(rbac: RbacPermission) -> None:
    grant = await rbac.grant(RequestContext(person("Floor")), "Case", "read")
    assert grant
    assert grant.readable == PLAIN | FRAMEWORK


ROLES = ("Guest", "A", "B", "C", "Administrator")
SCOPES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["all", "own"])
    | st.builds(Comparison, st.just("color"), st.sampled_from(["eq", "ne"]), st.sampled_from(["red", "blue"]))
    | st.builds(Comparison, st.just("color"), st.sampled_from(["in", "not_in"]), st.just(UserAttribute("colors")))
    | st.builds(Comparison, st.just("owner"), st.sampled_from(["eq", "ne"]), st.just(UserAttribute("id"))),
    lambda inner: (
        st.builds(Not, inner.filter(lambda scope: not isinstance(scope, str)))
        | st.builds(Or, st.tuples(*[inner.filter(lambda scope: not isinstance(scope, str))] * 2))
    ),
    max_leaves=4,
)
LEVELS = st.fixed_dictionaries({key: st.lists(st.sampled_from(ROLES)) for key in ("read", "write")})


def thing(stated: dict[str, Any], levels: dict[str, list[str]]) -> type[DocType]:
    class Thing(DocType):
        color: str | None = None
        hidden: str = Field(default="", permlevel=1)

        class Meta:
            permissions = stated
            field_levels = {1: levels}

    return Thing


@given(
    permissions=st.dictionaries(st.sampled_from(ROLES[:4]), SCOPES),
    levels=LEVELS,
    some=st.frozensets(st.sampled_from(ROLES)),
    more=st.frozensets(st.sampled_from(ROLES)),
    document=st.fixed_dictionaries(
        {"owner": st.sampled_from(["me", "you"]), "color": st.sampled_from(["red", "blue", None])}
    ),
    colors=st.lists(st.sampled_from(["red", "blue"])),
)
async def test_another_role_never_takes_anything_away(
    permissions: dict[str, Any],
    levels: dict[str, list[str]],
    some: frozenset[str],
    more: frozenset[str],
    document: dict[str, Any],
    colors: list[str],
) -> None:
    model = thing({"read": permissions, "write": permissions}, levels)
    rbac = RbacPermission(RegistryHandle(registry_of(model)))
    attributes = {"colors": tuple(colors)}
    for action in ("read", "write"):
        few = Principal("me", some, attributes=attributes)
        many = Principal("me", some | more, attributes=attributes)
        before, after = [await rbac.grant(RequestContext(who), "Thing", action) for who in (few, many)]
        if covers(before, few, document):
            assert covers(after, many, document), action
        if before is not None:
            assert after is not None, action
            assert before.readable <= after.readable, action
            assert before.writable <= after.writable, action
