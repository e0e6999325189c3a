"""Routes of an app: who may call them, what they are given, and what keeps them from being mounted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.session import SessionKind

from .routed_app import write_app

PASSWORD = "a long password"
SERVING = ("web", "worker")


@dataclass
class Shop:
    """The app, and its people."""

    app: Application

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with a token, or none."""
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.app.container.get("web"))
        return httpx.AsyncClient(transport=transport, base_url="http://shop", headers={**bearer, **headers})

    async def token(self, name: str, *roles: str) -> str:
        """The access token of a new user."""
        email = f"{name}@example.com"
        await self.app.container.get("identity").create(email, PASSWORD, list(roles))
        authentication = self.app.container.get("authentication")
        login = await authentication.login(email, PASSWORD, address="::1", kind=SessionKind.TOKEN)
        return str(login.access_token)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    write_app(tmp_path)
    async with open_application(tmp_path, roles=SERVING) as app:
        yield Shop(app)


async def test_handlers_are_given_what_they_ask_for_and_act_as_their_caller(shop: Shop) -> None:
    async with shop.client(await shop.token("clerk", "Clerk")) as clerk:
        sent = await clerk.post("/shop/parcels", json={"text": "books"})
        assert sent.status_code == 201, sent.text
        found = (await clerk.get("/shop/parcels/books")).json()
        assert found["stamp"] == "stamped" and found["by"]
        assert [item["id"] for item in found["found"]] == [sent.json()["id"]]
        assert "weight" not in found["found"][0], "fields above the caller's level stay hidden"


async def test_the_policy_is_asked_before_anything_else(shop: Shop) -> None:
    clerk, nobody = await shop.token("clerk", "Clerk"), await shop.token("nobody")
    async with shop.client() as guest:
        for method, path in (("POST", "/shop/parcels"), ("GET", "/shop/me"), ("GET", "/api/v1/shop/vault")):
            refused = await guest.request(method, path)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated"), path
            assert refused.headers["content-type"] == "application/problem+json", path
        assert (await guest.get("/shop/open")).json()["anonymous"] is True
        assert (await guest.get("/shop/parcels/x")).json()["found"] == []
        assert (await guest.delete("/api/v1/shop/parcels")).status_code == 204
        options = await guest.options("/shop/parcels")
        assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    async with shop.client(nobody) as client:
        refused = await client.post("/shop/parcels", content=b"not even JSON")
        assert (refused.status_code, refused.json()["rule"]) == (403, "Parcel.create")
        assert (await client.get("/shop/me")).text == "nobody@example.com"
    async with shop.client(clerk) as client:
        assert (await client.get("/api/v1/shop/vault")).status_code == 401
        assert (await client.get("/api/v1/shop/vault", headers={"x-key": "sesame"})).text == "stamped"


async def test_the_outermost_layer_serves_them_as_all_others(shop: Shop) -> None:
    given = "01890a5d-ac96-774b-bcce-b302099a8057"
    async with shop.client() as guest:
        response = await guest.get("/shop/open", headers={"x-request-id": given})
        assert response.headers["x-request-id"] == response.json()["request"] == given
        assert response.headers["x-content-type-options"] == "nosniff" and "authorization" in response.headers["vary"]
        bad = await guest.get("/shop/open", headers={"authorization": "Bearer nonsense"})
        assert (bad.status_code, bad.json()["code"]) == (401, "unauthenticated")
        assert (await guest.get("/shop/nowhere")).json()["code"] == "route_not_found"
        assert (await guest.put("/shop/open")).json()["code"] == "method_not_allowed"


async def test_errors_are_problems_that_tell_nothing_of_the_inside(shop: Shop) -> None:
    async with shop.client(await shop.token("clerk", "Clerk")) as clerk:
        broken = await clerk.post("/shop/parcels", json={"text": "broken"})
        assert (broken.status_code, broken.json()["code"]) == (500, "internal_error")
        assert "SELECT" not in broken.text
        wrong = await clerk.post("/shop/parcels", json={"txt": 1})
        assert (wrong.status_code, wrong.headers["content-type"]) == (400, "application/problem+json")
        large = await clerk.post("/shop/parcels", json={"text": "x" * (10 * 1024 * 1024)})
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


async def test_a_cookie_needs_its_csrf_token_on_unsafe_methods(shop: Shop) -> None:
    await shop.token("clerk", "Clerk")
    login = {"username": "clerk@example.com", "password": PASSWORD}
    async with shop.client() as browser:
        assert (await browser.post("/api/v1/auth/login?session=true", json=login)).status_code == 200
        assert (await browser.get("/shop/me")).text == "clerk@example.com"
        refused = await browser.post("/shop/parcels", json={"text": "books"})
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        echoed = {"x-csrf-token": browser.cookies["m_csrf"]}
        assert (await browser.post("/shop/parcels", json={"text": "books"}, headers=echoed)).status_code == 201


async def test_they_are_described_for_those_who_may_call_them(shop: Shop) -> None:
    async with shop.client(await shop.token("clerk", "Clerk")) as clerk:
        described = (await clerk.get("/schema/openapi.json")).json()
    async with shop.client(await shop.token("nobody")) as nobody:
        others = (await nobody.get("/schema/openapi.json")).json()
    operation = described["paths"]["/shop/parcels"]["post"]
    assert operation["summary"] == "Sends one."
    assert operation["description"] == "Requires the permission `create` on Parcel."
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert described["components"]["schemas"][schema]["properties"]["text"] == {"type": "string"}
    assert set(operation["responses"]) == {"201", "400", "401", "403", "413", "503"}
    parameters = described["paths"]["/shop/parcels/{name}"]["get"]["parameters"]
    assert [(one["name"], one["in"]) for one in parameters] == [("name", "path")]
    assert described["paths"]["/shop/open"]["get"]["security"] == []
    assert described["x-framework-m-websockets"]["/shop/live"] == {
        "summary": "Counts parcels on request.",
        "needs": "write Parcel",
    }
    assert "/shop/parcels" not in others["paths"] and "/shop/me" in others["paths"]


PROBLEMS: list[tuple[str, str]] = [
    ("@get('/shop/x')\nasync def x() -> None: ...", "it does not state who may call it"),
    ("@websocket('/shop/x')\nasync def x(socket: WebSocket) -> None: ...", "it does not state who may call it"),
    ("@get('/shop/x', allow_guest=True)\n@requires_permission('read', 'Parcel')\nasync def x() -> None: ...",
     "expected one of requires_permission, authenticated and allow_guest"),
    ("@get('/shop/x')\n@requires_permission('read')\nasync def x() -> None: ...", "a route names the DocType"),
    ("@get('/shop/x')\n@requires_permission('raed', 'Parcel')\nasync def x() -> None: ...", "'raed' is not an action"),
    ("@get('/shop/x')\n@requires_permission('read', 'Parcle')\nasync def x() -> None: ...", "did you mean 'Parcel'"),
    ("@get('/health', allow_guest=True)\nasync def x() -> None: ...", "/health is the framework's own"),
    ("@get('/schema/mine', allow_guest=True)\nasync def x() -> None: ...", "is the framework's own"),
    ("@get('/{any:str}', allow_guest=True)\nasync def x(any: str) -> None: ...", "is the framework's own"),
    ("@get('/api/v1/auth/mine', allow_guest=True)\nasync def x() -> None: ...", "is the framework's own"),
    ("@get('/api/v1/{any:str}', allow_guest=True)\nasync def x(any: str) -> None: ...", "is the framework's own"),
    ("@get('/api/v1/Parcel/mine', allow_guest=True)\nasync def x() -> None: ...", "the path of a DocType Parcel"),
    ("@get('/shop/parcels/{other:str}', allow_guest=True)\nasync def x(other: str) -> None: ...", "is taken by"),
    ("@post('/shop/x', allow_guest=True, request_max_body_size=None)\nasync def x() -> None: ...",
     "expected request_max_body_size in bytes, got None"),
    ("class Odd(Protocol): ...\n@get('/shop/x', allow_guest=True)\nasync def x(odd: Odd) -> None: ...",
     "expected a port, got Odd"),
    ("x = 5", "expected a Litestar handler, Controller or Router"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), PROBLEMS, ids=lambda text: text.splitlines()[0])
async def test_what_cannot_be_mounted_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    write_app(tmp_path, source, {"routes": {"shop": "{app}:routes", "more": "{app}:x"}})
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(tmp_path, roles=SERVING):
            """Never reached."""
    assert said in str(refused.value)


async def test_every_route_without_a_policy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    source = "@get('/shop/x')\nasync def one() -> None: ...\n@get('/shop/y')\nasync def two() -> None: ...\n"
    name = write_app(tmp_path, source + "x = [one, two]", {"routes": {"shop": "{app}:routes", "more": "{app}:x"}})
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(tmp_path, roles=SERVING):
            """Never reached."""
    text = str(refused.value)
    assert f"GET /shop/x ({name}.one of {name})" in text and f"GET /shop/y ({name}.two of {name})" in text


async def test_an_app_may_be_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the module declares stays as it was declared."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    write_app(tmp_path)
    for _ in range(2):
        async with open_application(tmp_path, roles=SERVING) as app, Shop(app).client() as guest:
            response: Any = (await guest.get("/shop/open")).json()
            assert response["anonymous"] is True
