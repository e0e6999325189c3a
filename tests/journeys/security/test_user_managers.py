"""People who may change users but hold little themselves: no way leads from there to what they do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import _product
from tests.journeys.product import Product, email
from tests.journeys.security.responses import HOOKS, fields_of, refused

STAFF = '''
"""Users as the staff office keeps them."""

from typing import Any
from uuid import UUID

from framework_m import Comparison, Controller, DocType, Documents, Field, UserAttribute, requires_permission, rpc
from framework_m_standard.doctypes.role import Role
from framework_m_standard.doctypes.user import User

ME = Comparison("id", "eq", UserAttribute("id"))
OFFICE = {"HR": "all", "Head of HR": "all"}


class StaffUser(User):
    """Everybody changes their own document; the staff office all, and its head gives roles too."""

    department: str | None = Field(default=None)

    class Meta:
        overrides = True
        permissions = {
            "select": {"All": "all"},
            "read": {**OFFICE, "Sales User": ME, "Sales Manager": "all"},
            "write": {**OFFICE, "Sales User": ME},
            "create": OFFICE,
            "delete": OFFICE,
            "purge": OFFICE,
        }
        field_levels = {9: {"read": ["Guest"], "write": ["Head of HR"]}}


class OpenRole(Role):
    """The staff office keeps roles."""

    class Meta:
        overrides = True
        permissions = {action: OFFICE for action in ("read", "write", "create", "delete", "purge")}


class Wish(DocType):
    """What somebody asks to be made true of a user."""

    user: UUID = Field(link="User")
    roles: list[str] = Field(default=[])

    class Meta:
        permissions = {"create": {"Sales User": "own", **OFFICE}}


class WishController(Controller[Wish]):
    """Writes the user as who asks."""

    async def after_insert(self) -> None:
        await self.documents.update("User", self.doc.user, {"roles": self.doc.roles})


@rpc("staff.update")
@requires_permission("create", "Wish")
async def update(user: UUID, values: dict[str, Any], documents: Documents) -> None:
    """Writes a user as who calls."""
    await documents.update("User", user, values)
'''
ROLES = {
    "admin": ("Administrator",),
    "second": ("Administrator",),
    "hr": ("HR",),
    "head": ("Head of HR", "Sales User"),
    "alice": ("Sales User",),
    "bob": ("Sales User",),
    "boss": ("Sales Manager",),
}
GUARDED: list[dict[str, Any]] = [
    {"roles": ["Administrator"]},
    {"roles": []},
    {"attributes": {"region": ["North"]}},
    {"enabled": False},
]


class Office:
    """A running app with its callers, and their ids."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.clients = {name: product.client(name, event_hooks=HOOKS) for name in ROLES}
        found = self.clients["admin"].get("/api/v1/User", params={"limit": 50}).json()["items"]
        self.ids = {one["email"].partition("@")[0]: one["id"] for one in found}

    def path(self, name: str) -> str:
        return f"/api/v1/User/{self.ids[name]}"

    def read(self, name: str) -> dict[str, Any]:
        return dict(self.clients["admin"].get(self.path(name)).json())

    def patch(self, by: str, name: str, values: dict[str, Any]) -> httpx.Response:
        return self.clients[by].patch(self.path(name), json=values)


@pytest.fixture(scope="module")
def office(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with _product(store, tmp_path_factory.mktemp(f"staff-{store}")) as running:
        (running.app / "src" / "crm" / "doctypes" / "staff.py").write_text(STAFF)
        running.create_users(ROLES)
        running.start()
        opened = Office(running)
        yield opened
        for client in opened.clients.values():
            client.close()


@pytest.mark.parametrize("values", GUARDED)
@pytest.mark.parametrize(("by", "target"), [("alice", "alice"), ("hr", "hr"), ("hr", "bob"), ("hr", "boss")])
def test_rights_are_above_the_level_of_who_may_write_users(
    office: Office, by: str, target: str, values: dict[str, Any]
) -> None:
    before = office.read(target)
    assert fields_of(refused(office.patch(by, target, values), 400)) == {*values}
    put = office.clients[by].put(office.path(target), json={**before, **values})
    assert fields_of(refused(put, 400)) == {*values}
    assert office.read(target) == before


@pytest.mark.parametrize("values", GUARDED[:1] + GUARDED[2:])
def test_rights_are_above_the_level_of_who_may_create_users(office: Office, values: dict[str, Any]) -> None:
    made = office.clients["hr"].post("/api/v1/User", json={"email": "new@example.com", **values})
    assert fields_of(refused(made, 400)) == {*values}


def test_who_may_write_users_changes_the_rest_and_echoes_rights(office: Office) -> None:
    echo = {**office.read("bob"), "department": "Paint"}
    changed = office.clients["hr"].put(office.path("bob"), json=echo)
    assert (changed.status_code, changed.json()["department"]) == (200, "Paint")
    made = office.clients["hr"].post("/api/v1/User", json={"email": "plain@example.com"})
    assert made.status_code == 201 and (made.json()["roles"], made.json()["enabled"]) == ([], True)
    own = office.patch("alice", "alice", {"email": "alice2@example.com"})
    assert own.status_code == 200, own.text
    assert office.patch("alice", "alice", {"email": email("alice")}).status_code == 200


@pytest.mark.parametrize("roles", [["Administrator"], ["Head of HR", "Sales Manager"], ["Sales User", "HR"]])
def test_who_gives_roles_gives_those_that_they_hold(office: Office, roles: list[str]) -> None:
    for target in ("head", "bob"):
        before = office.read(target)
        problem = refused(office.patch("head", target, {"roles": roles}), 403, "permission_denied")
        assert problem["rule"] == "User.rights", target
        assert office.read(target) == before, target
    made = office.clients["head"].post("/api/v1/User", json={"email": "own@example.com", "roles": roles})
    refused(made, 403, "permission_denied")


def test_who_gives_roles_gives_and_takes_what_they_hold(office: Office) -> None:
    given = office.patch("head", "bob", {"roles": ["Sales User", "Head of HR"]})
    assert (given.status_code, given.json()["roles"]) == (200, ["Sales User", "Head of HR"])
    assert office.patch("head", "bob", {"roles": ["Sales User"]}).status_code == 200
    made = office.clients["head"].post("/api/v1/User", json={"email": "h@example.com", "roles": ["Head of HR"]})
    assert made.status_code == 201
    assert office.patch("head", "bob", {"enabled": False}).status_code == 200
    assert office.patch("head", "bob", {"enabled": True}).status_code == 200


def test_attributes_are_given_by_who_holds_them(office: Office) -> None:
    refused(office.patch("head", "bob", {"attributes": {"region": ["North"]}}), 403, "permission_denied")
    office.product.m("user", "set-attribute", email("bob"), "region=South")
    for values in ({}, {"region": ["North"]}, {"region": ["South", "North"]}):
        refused(office.patch("head", "bob", {"attributes": values}), 403, "permission_denied")
    assert office.read("bob")["attributes"] == {"region": ["South"]}
    assert office.patch("admin", "bob", {"attributes": {}}).status_code == 200


@pytest.mark.parametrize("attributes", [{"": ["x"]}, {"region": [""]}, {"region": ["a\0b"]}, {"region": ["x" * 256]}])
def test_attributes_are_bounded_as_commands_bound_them(office: Office, attributes: dict[str, Any]) -> None:
    refused(office.patch("admin", "boss", {"attributes": attributes}), 400, "validation_failed")


@pytest.mark.parametrize("by", ["hr", "head"])
@pytest.mark.parametrize("target", ["admin", "boss"])
def test_nobody_takes_over_who_holds_more(office: Office, by: str, target: str) -> None:
    before, client = office.read(target), office.clients[by]
    refused(office.patch(by, target, {"email": "mine@example.com"}), 403, "permission_denied")
    if by == "head":
        refused(office.patch(by, target, {"enabled": False}), 403, "permission_denied")
        refused(office.patch(by, target, {"roles": []}), 403, "permission_denied")
    refused(client.delete(office.path(target)), 403, "permission_denied")
    refused(client.delete(office.path(target), params={"hard": "true"}), 403, "permission_denied")
    assert office.read(target) == before
    assert office.patch(by, target, {"department": "Board"}).status_code == 200


@pytest.mark.parametrize("by", ["alice", "hr", "head"])
def test_hooks_and_calls_that_write_as_the_caller_open_nothing(office: Office, by: str) -> None:
    before = office.read(by)
    wish = office.clients[by].post("/api/v1/Wish", json={"user": office.ids[by], "roles": ["Administrator"]})
    assert wish.status_code in {400, 403}, wish.text
    for values in (GUARDED[0], GUARDED[2]):
        given = {"user": office.ids[by], "values": values}
        called = office.clients[by].post("/api/v1/rpc/fn/staff.update", json=given)
        assert called.status_code in {400, 403}, called.text
    assert office.read(by) == before


def test_a_role_that_somebody_has_stays(office: Office) -> None:
    for by in ("hr", "head", "admin"):
        for name in ("Administrator", "Sales Manager"):
            refused(office.clients[by].delete(f"/api/v1/Role/{name}"), 409, "document_linked")
    roles = office.clients["hr"].get("/api/v1/Role", params={"limit": 50}).json()["items"]
    administrator = next(one for one in roles if one["name"] == "Administrator")
    renamed = office.clients["hr"].patch(f"/api/v1/Role/{administrator['id']}", json={"name": "HR"})
    assert fields_of(refused(renamed, 400)) == {"name"}


def test_the_last_administrator_stays(office: Office) -> None:
    assert office.patch("admin", "second", {"enabled": False}).status_code == 200
    before, path = office.read("admin"), office.path("admin")
    demotions: tuple[dict[str, Any], ...] = (
        {"enabled": False},
        {"roles": []},
        {"roles": ["HR"]},
        {"roles": [], "enabled": False},
    )
    for values in demotions:
        refused(office.patch("admin", "admin", values), 409, "last_administrator")
    for parameters in ({}, {"hard": "true"}):
        refused(office.clients["admin"].delete(path, params=parameters), 409, "last_administrator")
    assert office.read("admin") == before
    assert office.clients["admin"].delete(office.path("second")).status_code == 204
    office.product.m("user", "disable", email("admin"))
    office.product.m("user", "enable", email("admin"))
