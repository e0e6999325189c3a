"""An app as its own tests open it: people, samples, events and HTTP, on any store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import (
    AuthenticationError,
    ConfigurationError,
    DocTypeNotFoundError,
    EntityNotFoundError,
    NoGrantError,
)
from framework_m_core.interfaces.authentication import Credentials
from framework_m_testing.apps import AppClient, open_app
from tests.errors import assert_names

CLERK = "Clerk"
APP = '''"""Parcels, which are weighed once they have come."""

from uuid import UUID

from framework_m import Comparison, DocCreated, DocType, DocUpdated, Documents, Field, UserAttribute, on

PERMISSIONS = {
    "read": {"Clerk": "own", "Lead": Comparison("region", "in", UserAttribute("region"))},
    "create": ["Clerk"],
    "write": {"Clerk": "own"},
}


class Depot(DocType):
    region: str

    class Meta:
        naming = "prompt"
        permissions = PERMISSIONS


class Parcel(DocType):
    depot: UUID = Field(link="Depot")
    keeper: UUID | None = Field(default=None, link="User")
    region: str = "North"
    weighed: int = 0

    class Meta:
        permissions = PERMISSIONS


class Vehicle(DocType):
    class Meta:
        permissions = {"read": {"Clerk": "all"}}


class Errand(DocType):
    vehicle: UUID = Field(link="Vehicle")

    class Meta:
        permissions = {"read": {"Clerk": "own"}, "create": ["Clerk"]}


@on("Parcel", DocCreated)
async def weigh(event: DocCreated, documents: Documents) -> None:
    await documents.update("Parcel", event.document_id, {"weighed": 1})


@on("Parcel", DocUpdated)
async def check(event: DocUpdated, documents: Documents) -> None:
    parcel = await documents.get("Parcel", event.document_id)
    if parcel["region"] == "Nowhere":
        raise LookupError("there is no such region")
    if parcel["weighed"] == 1:
        await documents.update("Parcel", parcel["id"], {"weighed": 2})
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app that is not installed."""
    (tmp_path / "parcels_app.py").write_text(APP)
    entry = '[project.entry-points."framework_m.apps"]\nparcels = "parcels_app"\n'
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "parcels"\n{entry}')
    (tmp_path / "framework_config.toml").write_text('[framework]\nenv = "production"\n[auth]\nsecret = "${NOT_SET}"\n')
    return tmp_path


CONFIGURED = '''"""A shop with settings, a cache and a bus of its own, whose broker is away."""

from framework_m_standard.memory.cache import MemoryCache
from framework_m_standard.memory.event_bus import MemoryEventBus
from pydantic import BaseModel, Field, SecretStr


class Till(BaseModel):
    key: SecretStr
    number: int = 1


class ShopSettings(BaseModel):
    desk: Till = Till(key="")
    tags: tuple[str, ...] = ()
    secret: SecretStr
    port: int = 8080
    names: tuple[str, ...] = ()
    till: int | None = Field(default=None, ge=1)
    shelves: int = 1


class GateSettings(BaseModel):
    port: int
    gate: int = 0


class OwnCache(MemoryCache):
    pass


class OwnBus(MemoryEventBus):
    pass


class OpenBroker:
    order = 15

    async def run(self, app) -> None:
        raise ConnectionError("the broker is away")
'''
SETTINGS = """
[shop]
secret = "${SHOP_SECRET}"
port = "${SHOP_PORT}"
names = "${SHOP_NAMES}, and ${SHOP_SECRET}"
till = "${SHOP_TILL}"
shelves = 7
tags = ["${SHOP_NAMES}", "b"]
desk = { key = "${SHOP_SECRET}", number = "${SHOP_TILL}" }
"""


def configured(folder: Path, settings: str) -> Path:
    """An app with this file of settings, a model for them, and adapters that they may choose."""
    name = f"configured_{uuid4().hex[:8]}"
    models = "shop = '{}:ShopSettings'" + ("\ngates = '{}:GateSettings'" if "[gates]" in settings else "")
    groups = {
        "apps": "shop = '{}'",
        "settings": models,
        "adapters.cache": "own = '{}:OwnCache'",
        "adapters.event_bus": "own = '{}:OwnBus'",
        "bootstrap.event_bus.own": "broker = '{}:OpenBroker'",
    }
    entries = [f"[project.entry-points.'framework_m.{group}']\n{points}\n" for group, points in groups.items()]
    (folder / "pyproject.toml").write_text("[project]\nname = 'shop'\n" + "".join(entries).replace("{}", name))
    (folder / f"{name}.py").write_text(CONFIGURED)
    (folder / "framework_config.toml").write_text(settings)
    return folder


@pytest.fixture(params=["memory", "sqlite"])
async def app(
    folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AppClient]:
    """The app on both kinds of store; what the machine configures does not count."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("M_HTTP__PORT", "no port")
    database = None if request.param == "memory" else f"sqlite:///{folder / 'test.db'}"
    async with open_app(folder, database=database) as opened:
        yield opened


async def test_the_store_is_the_one_that_is_asked_for(folder: Path) -> None:
    for _ in range(2):
        async with open_app(folder) as app:
            await app.make("Depot")
            assert len((await app.system.list("Depot")).items) == 1
    database = f"sqlite:///{folder / 'test.db'}"
    async with open_app(folder, database=database) as app:
        await app.make("Depot")
    async with open_app(folder, database=database) as app:
        assert len((await app.system.list("Depot")).items) == 1


async def test_no_variable_of_the_machine_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What names one gets a text in its place, or has its default where it takes no text."""
    for name, value in {"SECRET": "real", "PORT": "1", "TILL": "1", "NAMES": "real"}.items():
        monkeypatch.setenv(f"SHOP_{name}", value)
    async with open_app(configured(tmp_path, SETTINGS)) as app:
        shop = app.application.container.get("shop_settings")
    assert "stand-in for the variable SHOP_SECRET" in shop.secret.get_secret_value()
    assert (shop.port, shop.till, shop.shelves, len(shop.names)) == (8080, None, 7, 2)
    assert "stand-in for the variable SHOP_SECRET" in shop.desk.key.get_secret_value()
    assert (shop.desk.number, len(shop.tags), shop.tags[1]) == (1, 2, "b")


async def test_a_setting_that_has_no_other_value_is_asked_for(tmp_path: Path) -> None:
    folder = configured(tmp_path, '[shop]\nsecret = "s"\n[gates]\nport = "${GATE_PORT}"\ngate = "${GATE}"\n')
    with pytest.raises(ConfigurationError, match=r"\[gates\] port.*settings=\{'gates.port': …\}"):
        await open_app(folder).__aenter__()
    async with open_app(folder, settings={"gates.port": 9, "shop.secret": "given"}) as app:
        gates, shop = (app.application.container.get(f"{name}_settings") for name in ("gates", "shop"))
    assert (gates.port, gates.gate, shop.secret.get_secret_value()) == (9, 0, "given")


@pytest.mark.parametrize("text", ["nonsense", 'shop = "${A}"', '[nonsense]\na = "${A}"', '[shop]\nsecrte = "${A}"'])
async def test_a_file_that_makes_no_sense_is_told_as_the_app_tells_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await open_app(configured(tmp_path, text)).__aenter__()
    assert_names(refused.value, "configuration", "not valid")


async def test_a_broker_that_the_app_has_chosen_need_not_be_there(tmp_path: Path) -> None:
    """Cache and bus are those of this process, unless the test chooses."""
    folder = configured(tmp_path, '[shop]\nsecret = "s"\n[adapters]\nevent_bus = "own"\ncache = "own"\n')
    async with open_app(folder) as app:
        assert type(app.application.container.get("cache")).__name__ == "MemoryCache"
    async with open_app(folder, settings={"adapters.cache": "own"}) as app:
        assert type(app.application.container.get("cache")).__name__ == "OwnCache"
    with pytest.raises(ConnectionError, match="the broker is away"):
        await open_app(folder, settings={"adapters.event_bus": "own"}).__aenter__()


async def test_people_have_ids_of_their_own_unless_it_is_said(app: AppClient) -> None:
    one, other = app.user(CLERK), app.user(CLERK)
    parcel = await app.make("Parcel", one)
    assert parcel["owner"] == one.id != other.id
    with pytest.raises(EntityNotFoundError):
        await other.get("Parcel", parcel["id"])
    assert (await app.user(CLERK, id=one.id).get("Parcel", parcel["id"]))["id"] == parcel["id"]
    with pytest.raises(AuthenticationError):
        await app.anonymous.get("Parcel", parcel["id"])


async def test_attributes_are_what_scopes_compare_with(app: AppClient) -> None:
    await app.make("Parcel", region="South")
    south, north = (app.user("Lead", attributes={"region": [region]}) for region in ("South", "North"))
    assert len((await south.list("Parcel")).items) == 1
    assert (await north.list("Parcel")).items == []


async def test_an_attribute_is_a_list_of_texts(app: AppClient) -> None:
    """A text alone would be taken for its letters."""
    with pytest.raises(TypeError, match=r"region.*\['North'\]"):
        app.user("Lead", attributes={"region": "North"})


async def test_what_a_document_links_to_is_made_by_the_same(app: AppClient) -> None:
    clerk = app.user(CLERK)
    parcel = await app.make("Parcel", clerk, region="South")
    depot = await clerk.get("Depot", parcel["depot"])
    assert (parcel["region"], depot["owner"]) == ("South", clerk.id)
    assert (await app.make("Depot"))["owner"] == "system"
    user = await app.make("User")
    assert (await app.make("Errand", clerk))["owner"] == clerk.id
    assert (await app.make("Parcel", keeper=user["id"]))["keeper"] == user["id"]


async def test_events_are_delivered_when_it_is_asked_for(app: AppClient) -> None:
    parcel = await app.make("Parcel", app.user(CLERK))
    assert (await app.system.get("Parcel", parcel["id"]))["weighed"] == 0
    for _ in range(2):
        await app.deliver()
        assert (await app.system.get("Parcel", parcel["id"]))["weighed"] == 2


async def test_a_handler_that_fails_fails_the_test_until_it_is_mended(app: AppClient) -> None:
    parcel = await app.make("Parcel", region="Nowhere")
    for _ in range(2):
        with pytest.raises(LookupError, match="no such region"):
            await app.deliver()
    await app.system.update("Parcel", parcel["id"], {"region": "North"})
    await app.deliver()
    assert (await app.system.get("Parcel", parcel["id"]))["weighed"] == 2


async def test_another_test_on_the_same_database_delivers_too(folder: Path) -> None:
    for depot in ("Mill", "Quay"):
        async with open_app(folder, database=f"sqlite:///{folder / 'test.db'}") as app:
            parcel = await app.make("Parcel", depot=(await app.make("Depot", name=depot))["id"])
            await app.deliver()
            assert (await app.system.get("Parcel", parcel["id"]))["weighed"] == 2, depot


async def test_events_that_another_process_delivers_are_not_silently_left(app: AppClient) -> None:
    consumers, lease = app.application.container.get("consumers"), timedelta(seconds=15)
    await app.make("Parcel", region="Nowhere")
    with pytest.raises(LookupError):
        await app.deliver()
    (name,) = app.registry.consumers
    assert await consumers.lease(name, "a server", system_clock(), lease) is not None
    with pytest.raises(RuntimeError, match="cannot be delivered"):
        await app.deliver()
    assert await consumers.lease(name, "a server", system_clock(), lease) is not None


async def test_the_header_of_a_person_decides_before_a_cookie(app: AppClient) -> None:
    """It does not fall through to the cookie, and the header is the whole of it."""
    authentication = app.application.container.get("authentication")
    async with app.client(app.user(CLERK)) as client:
        header = client.headers["authorization"]
        assert await authentication.authenticate(Credentials(authorization=header, session_cookie="x"))
        for cookie in (None, "x"):
            credentials = Credentials(authorization=header.removeprefix("Bearer "), session_cookie=cookie)
            for asked in (authentication.authenticate, authentication.logout):
                with pytest.raises(AuthenticationError):
                    await asked(credentials)
        assert (await client.get("/api/v1/Depot")).status_code == 200


async def test_over_http_a_person_is_logged_in(app: AppClient) -> None:
    clerk = app.user(CLERK)
    async with app.client(clerk) as client, app.client(app.user()) as other, app.client() as nobody:
        made = await client.post("/api/v1/Depot", json=await app.sample("Depot"))
        assert (made.status_code, made.json()["owner"]) == (201, clerk.id)
        assert (await other.get("/api/v1/Depot")).status_code == 403
        assert (await nobody.get("/api/v1/Depot")).status_code == 401
        assert (await client.post("/api/v1/auth/logout")).status_code == 204
        assert (await client.get("/api/v1/Depot")).status_code == 401
    with pytest.raises(NoGrantError):
        await app.user().list("Depot")


async def test_over_http_the_apps_own_logins_work_too(app: AppClient) -> None:
    password = str(uuid4())
    await app.application.container.get("identity").create("ada@example.com", password, [CLERK])
    async with app.client() as client:
        login = await client.post("/api/v1/auth/login", json={"username": "ada@example.com", "password": password})
        tokens = login.json()
        response = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        headers = {"authorization": f"Bearer {response.json()['access_token']}"}
        assert (await client.get("/api/v1/auth/me", headers=headers)).json()["email"] == "ada@example.com"
        assert (await client.post("/api/v1/auth/logout", headers=headers)).status_code == 204
        assert (await client.get("/api/v1/auth/me", headers=headers)).status_code == 401


async def test_a_misspelt_doctype_is_guessed(app: AppClient) -> None:
    with pytest.raises(DocTypeNotFoundError) as refused:
        await app.make("Parcle")
    assert_names(refused.value, "'Parcle'", "'Parcel'")


async def test_a_role_that_no_doctype_names_is_guessed(app: AppClient) -> None:
    with pytest.raises(ValueError, match="role") as refused:
        app.user("Clrk")
    assert_names(refused.value, "'Clrk'", "'Clerk'")
    with pytest.raises(ValueError, match="role") as refused:
        app.user("Unheard of")
    assert_names(refused.value, "'Unheard of'", "Administrator, All, Clerk")
    assert app.user("Administrator", "Guest").id
