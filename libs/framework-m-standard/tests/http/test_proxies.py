"""Behind a proxy: who the client is, how it came, and where it finds things."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from framework_m_standard.http.openapi.document import OpenApi
from framework_m_standard.http.settings import HttpSettings

from .conftest import FEW, PASSWORD, Site

PROXY, OTHER = "10.1.2.3", "192.0.2.7"


@asynccontextmanager
async def client_at(
    site: Site, address: str, headers: Mapping[str, str] | list[tuple[str, str]] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the boss whose connection comes from an address."""
    transport = httpx.ASGITransport(site.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://site", headers=headers) as client:
        yield client


async def _fail(site: Site, peer: str, forwarded: str) -> int:
    async with client_at(site, peer, {"x-forwarded-for": forwarded}) as client:
        given = {"username": "boss@example.com", "password": "wrong password"}
        return (await client.post("/api/v1/auth/login", json=given)).status_code


async def _log_in(site: Site, peer: str, forwarded: str) -> int:
    async with client_at(site, peer, {"x-forwarded-for": forwarded}) as client:
        given = {"username": "reader@example.com", "password": PASSWORD}
        return (await client.post("/api/v1/auth/login", json=given)).status_code


async def test_failures_close_the_clients_address_and_not_the_proxys(open_site: Any) -> None:
    async with open_site(trusted_proxies=["10.0.0.0/8"]) as site:
        for _ in range(FEW + 1):
            await _fail(site, PROXY, f"203.0.113.9, {OTHER}, 10.9.9.9")
        addresses = site.authentication.addresses
        assert set(addresses) == {OTHER}
        assert await _log_in(site, PROXY, "198.51.100.1") == 200


async def test_what_is_no_address_is_not_taken_for_one(open_site: Any) -> None:
    async with open_site(trusted_proxies=["10.0.0.0/8"]) as site:
        for junk in ("junk", "09.9.9.9", "_hidden", ""):
            await _fail(site, PROXY, junk)
        assert set(site.authentication.addresses) == {PROXY}


@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8",)])
async def test_nobody_else_is_believed(open_site: Any, trusted: tuple[str, ...]) -> None:
    async with open_site(trusted_proxies=trusted) as site:
        await _fail(site, OTHER, "198.51.100.1")
        assert site.authentication.addresses == [OTHER]
        headers = {"x-forwarded-prefix": "/evil", "x-forwarded-proto": "https", "authorization": "Bearer boss"}
        async with client_at(site, OTHER, headers) as client:
            made = await client.post("/api/v1/Sale", json={"title": "a"})
            assert made.headers["location"] == f"/api/v1/Sale/{made.json()['id']}"
            assert (await client.get("/schema/openapi.json")).json()["servers"] == [{"url": "/"}]


@pytest.mark.parametrize(("stated", "stripped"), [(True, True), (True, False), (False, True)])
async def test_everything_is_found_below_a_prefix(open_site: Any, stated: bool, stripped: bool) -> None:
    settings = {"root_path": "/erp"} if stated else {"trusted_proxies": [PROXY]}
    headers = {"authorization": "Bearer boss"} | ({} if stated else {"x-forwarded-prefix": "/erp/"})
    before = "" if stripped else "/erp"
    async with open_site(**settings) as site, client_at(site, PROXY, headers) as client:
        made = await client.post(f"{before}/api/v1/Sale", json={"title": "a"})
        assert made.headers["location"] == f"/erp/api/v1/Sale/{made.json()['id']}"
        read = await client.get(f"{before}/api/v1/Sale/{made.json()['id']}")
        assert read.json()["title"] == "a"
        assert (await client.get(f"{before}/api/meta")).status_code == 200
        assert (await client.get(f"{before}/schema/openapi.json")).json()["servers"] == [{"url": "/erp"}]
        assert (await client.get(f"{before}/erp/api/meta")).status_code == (200 if stated and stripped else 404)
        page = await client.get(f"{before}/schema/swagger")
        assert 'href="assets/' in page.text
        assert '"/' not in page.text
        login = {"username": "boss@example.com", "password": PASSWORD}
        session = await client.post(f"{before}/api/v1/auth/login?session=true", json=login)
        assert all("Path=/erp;" in cookie for cookie in session.headers.get_list("set-cookie"))
        out = await client.post(f"{before}/api/v1/auth/logout", headers={"authorization": "", "cookie": ""})
        assert all("Path=/erp;" in cookie for cookie in out.headers.get_list("set-cookie"))


async def test_another_prefix_builds_no_other_document(open_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    built, build = list[int](), OpenApi._build

    def count(*arguments: Any) -> Any:
        built.append(1)
        return build(*arguments)

    monkeypatch.setattr(OpenApi, "_build", count)
    async with open_site(trusted_proxies=[PROXY]) as site:
        documents = []
        for prefix in ("", "/a", '/b"', "/c"):
            headers = {"authorization": "Bearer boss", "x-forwarded-prefix": prefix}
            async with client_at(site, PROXY, headers) as client:
                documents.append((await client.get("/schema/openapi.json")).json())
    assert [one.pop("servers") for one in documents[:2]] == [[{"url": "/"}], [{"url": "/a"}]]
    assert documents[3].pop("servers") == [{"url": "/c"}]
    assert documents[0] == documents[1] == documents[3]
    assert len(built) == 1


async def test_what_a_client_forwards_strips_nothing(open_site: Any) -> None:
    """A proxy may pass the header on as its client sent it."""
    headers = {"authorization": "Bearer boss", "x-forwarded-prefix": "/x"}
    async with open_site(trusted_proxies=[PROXY]) as site, client_at(site, PROXY, headers) as client:
        assert (await client.get("/x/api/meta")).status_code == 404
    async with open_site(trusted_proxies=[PROXY], root_path="/erp") as site, client_at(site, PROXY, headers) as client:
        assert (await client.get("/x/api/meta")).status_code == 404
        made = await client.post("/erp/api/v1/Sale", json={"title": "a"})
        assert made.headers["location"].startswith("/erp/api/v1/Sale/")


async def test_an_answer_without_prefix_stays_as_it_was(open_site: Any) -> None:
    async with (
        open_site(trusted_proxies=[PROXY]) as site,
        client_at(site, PROXY, {"authorization": "Bearer boss"}) as c,
    ):
        made = await c.post("/api/v1/Sale", json={"title": "a"})
        assert made.headers["location"] == f"/api/v1/Sale/{made.json()['id']}"


@pytest.mark.parametrize(
    "prefix", ["erp", "//evil.example", "/a b", "/<x>", "/../x", "/api", "/schema/x", "/" + "a" * 200, ""]
)
async def test_a_prefix_that_is_none_is_ignored(open_site: Any, prefix: str) -> None:
    headers = {"authorization": "Bearer boss", "x-forwarded-prefix": prefix}
    async with open_site(trusted_proxies=[PROXY]) as site, client_at(site, PROXY, headers) as client:
        assert (await client.get("/schema/openapi.json")).json()["servers"] == [{"url": "/"}]


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False), ("gopher", False)])
async def test_cookies_are_secure_where_the_proxy_was_reached_by_https(
    open_site: Any, scheme: str, secure: bool
) -> None:
    async with open_site(trusted_proxies=[PROXY]) as site, client_at(site, PROXY, {"x-forwarded-proto": scheme}) as c:
        login = {"username": "boss@example.com", "password": PASSWORD}
        session = await c.post("/api/v1/auth/login?session=true", json=login)
        assert {"Secure" in cookie for cookie in session.headers.get_list("set-cookie")} == {secure}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", ["proxy.example"]),
        ("trusted_proxies", ["*"]),
        ("trusted_proxies", ["0.0.0.0/0"]),
        ("trusted_proxies", ["::/0"]),
        ("trusted_proxies", ["10.0.0.1/8"]),
        ("root_path", "erp"),
        ("root_path", "/erp/"),
        ("root_path", "/api"),
        ("root_path", "/schema/x"),
        ("root_path", "//evil.example"),
        ("root_path", "/a b"),
        ("cors_origins", ["https://*"]),
        ("cors_origins", ["https://*.example"]),
        ("cors_origins", ["https://a.example?x"]),
        ("cors_origins", ["https://user@a.example"]),
        ("cors_headers", ["X Branch"]),
        ("cors_headers", [""]),
    ],
)
def test_settings_that_mean_nothing_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match="expected"):
        HttpSettings(**{name: value})


@pytest.mark.parametrize(
    "value", ["https://a.example", "http://localhost:5173", "https://[::1]:8443", "http://my-host", "*"]
)
def test_origins_are_taken(value: str) -> None:
    assert HttpSettings(cors_origins=(value,)).cors_origins == (value,)
