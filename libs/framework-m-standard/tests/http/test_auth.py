"""Logging in and out, and credentials on every route."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from framework_m_standard.http.wire.credentials import credentials_of, join_headers

from .conftest import FEW, PASSWORD

LOGIN = {"username": "boss@example.com", "password": PASSWORD}


async def test_tokens(site: Any) -> None:
    async with site.client() as client:
        response = await client.post("/api/v1/auth/login", json=LOGIN)
        body = response.json()
        assert response.status_code == 200
        assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "user"}
        assert (body["token_type"], body["user"]["email"], body["user"]["roles"]) == (
            "Bearer",
            "boss@example.com",
            ["Boss"],
        )
        assert response.headers["cache-control"] == "no-store"
        assert "set-cookie" not in response.headers
        bearer = {"authorization": f"Bearer {body['access_token']}"}
        assert (await client.get("/api/v1/auth/me", headers=bearer)).json() == {
            "id": body["user"]["id"], "email": "boss@example.com", "roles": ["Boss"],
        }  # fmt: skip
        again = await client.post("/api/v1/auth/refresh", json={"refresh_token": body["refresh_token"]})
        assert again.json().keys() == body.keys()
        tab = await client.post("/api/v1/auth/refresh", json={"refresh_token": body["refresh_token"]})
        assert (tab.status_code, tab.json()["refresh_token"]) == (200, again.json()["refresh_token"])
        await client.post("/api/v1/auth/refresh", json={"refresh_token": again.json()["refresh_token"]})
        spent = await client.post("/api/v1/auth/refresh", json={"refresh_token": body["refresh_token"]})
        assert spent.status_code == 401


@pytest.mark.parametrize("development", [True, False])
async def test_a_session(open_site: Any, development: bool) -> None:
    async with open_site(development=development, cors_origins=()) as site, site.client() as client:
        response = await client.post("/api/v1/auth/login?session=true", json=LOGIN)
        assert response.json().keys() == {"expires_in", "user"}
        cookies = SimpleCookie("; ".join([]))
        for line in response.headers.get_list("set-cookie"):
            cookies.load(line)
        session, csrf, lifetime = cookies["m_session"], cookies["m_csrf"], str(response.json()["expires_in"])
        assert (session["httponly"], csrf["httponly"]) == (True, "")
        for cookie in (session, csrf):
            assert (cookie["samesite"].lower(), cookie["path"], cookie["max-age"]) == ("lax", "/", lifetime), cookie.key
            assert bool(cookie["secure"]) is not development, cookie.key
        sent = {"cookie": f"other=1; m_session={session.value}; m_csrf={csrf.value}"}
        assert (await client.get("/api/v1/auth/me", headers=sent)).json()["email"] == "boss@example.com"
        refused = await client.post("/api/v1/Sale", json={"title": "a"}, headers=sent)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        sent["x-csrf-token"] = csrf.value
        assert (await client.post("/api/v1/Sale", json={"title": "a"}, headers=sent)).status_code == 201
        out = await client.post("/api/v1/auth/logout", headers=sent)
        assert out.status_code == 204
        assert all("Max-Age=0" in line for line in out.headers.get_list("set-cookie"))
        assert len(out.headers.get_list("set-cookie")) == 2
        assert (await client.get("/api/v1/auth/me", headers=sent)).status_code == 401


async def test_a_wrong_password(site: Any) -> None:
    async with site.client() as client:
        for _ in range(FEW):
            response = await client.post("/api/v1/auth/login", json={**LOGIN, "password": "x"})
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        response = await client.post("/api/v1/auth/login", json=LOGIN)
        assert response.status_code == 429
        assert 0 < int(response.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "boss"},
        {"username": "boss", "password": 1},
        {"username": ["boss"], "password": "boss"},
        {"username": None, "password": "boss"},
        {"username": "", "password": "boss"},
        {"username": "x" * 321, "password": "boss"},
        {"username": "boss", "password": "x" * 1025},
        {**LOGIN, "address": "1.2.3.4"},
        {**LOGIN, "kind": "cookie"},
    ],
    ids=range(10),
)
async def test_bad_logins(site: Any, body: dict[str, Any]) -> None:
    async with site.client() as client:
        response = await client.post("/api/v1/auth/login", json=body)
    assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
    assert site.authentication.addresses == []


async def test_logins_are_json(site: Any) -> None:
    async with site.client() as client:
        assert (await client.post("/api/v1/auth/login", data=LOGIN)).status_code == 415
        assert (await client.post("/api/v1/auth/login", content=b"[")).status_code == 415
        assert (await client.post("/api/v1/auth/login?session=yes", json=LOGIN)).status_code == 400
        assert (await client.post("/api/v1/auth/login?next=x", json=LOGIN)).status_code == 400


async def test_the_address_is_the_peers_own(site: Any) -> None:
    transport = httpx.ASGITransport(site.app, client=("9.9.9.9", 1))
    forged = {"x-forwarded-for": "1.1.1.1", "forwarded": "for=1.1.1.1", "x-real-ip": "1.1.1.1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://site", headers=forged) as client:
        await client.post("/api/v1/auth/login", json=LOGIN)
    assert site.authentication.addresses == ["9.9.9.9"]


EVERYWHERE = ["/api/v1/Tag", "/api/v1/Nope", "/api/v1/auth/me", "/api/meta", "/nope", "/api/v1x", "/api/v1/Sale/x/y"]

_WRONG_TOKEN = 'Bearer error="invalid_token"'
CHALLENGES: list[tuple[dict[str, str], str]] = [
    ({"authorization": "Bearer x"}, _WRONG_TOKEN),
    ({"authorization": "bEARER  x"}, _WRONG_TOKEN),
    ({"authorization": "Bearer x", "cookie": "m_session=x"}, _WRONG_TOKEN),
    ({"authorization": "Bearer"}, "Bearer"),
    ({"authorization": "Digest boss"}, "Bearer"),
    ({"cookie": "m_session=x"}, "Bearer"),
]
"""Invalid credentials, and how RFC 6750 (3.1) has them refused: a word of the token only where one was given."""


@pytest.mark.parametrize(("headers", "challenge"), CHALLENGES)
@pytest.mark.parametrize("path", EVERYWHERE)
async def test_invalid_credentials_are_refused_whatever_the_route(
    site: Any, path: str, headers: dict[str, str], challenge: str
) -> None:
    async with site.client(**headers) as client:
        for method in ("GET", "POST", "OPTIONS"):
            response = await client.request(method, path)
            assert response.status_code == 401, method
            assert response.headers["www-authenticate"] == challenge, method
            assert response.json()["code"] == "unauthenticated", method


@pytest.mark.parametrize(("headers", "challenge"), [*CHALLENGES, ({}, "Bearer")])
async def test_a_login_or_logout_is_told_of_a_wrong_token_where_one_was_given(
    site: Any, headers: dict[str, str], challenge: str
) -> None:
    async with site.client(**headers) as client:
        assert (await client.post("/api/v1/auth/logout")).headers["www-authenticate"] == challenge
        wrong = await client.post("/api/v1/auth/refresh", json={"refresh_token": "x"})
        assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/api/v1/Sale", "/api/v1/auth/me", "/schema/openapi.json", "/api/meta/Sale"])
async def test_who_gives_no_token_is_not_told_of_a_wrong_one(site: Any, path: str) -> None:
    async with site.client() as client:
        response = await client.get(path)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_probes_look_at_no_credentials(site: Any, path: str) -> None:
    async with site.client("no such token") as client:
        assert (await client.get(path)).status_code == 200


async def test_a_stale_token_does_not_keep_from_logging_in(site: Any) -> None:
    async with site.client("no such token", cookie="m_session=old") as client:
        response = await client.post("/api/v1/auth/login", json=LOGIN)
        assert response.status_code == 200
        refresh = {"refresh_token": response.json()["refresh_token"]}
        assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 200


async def test_gateway_headers_are_ignored(site: Any) -> None:
    gateway = {"x-user-id": "admin", "x-email": "admin@example.com", "x-roles": "Administrator", "x-tenant-id": "t"}
    async with site.client(**gateway) as client:
        assert (await client.get("/api/v1/auth/me")).status_code == 401
        assert (await client.get("/api/v1/Sale")).status_code == 401


def test_credentials_of_headers() -> None:
    assert credentials_of({}, "GET") is None
    assert credentials_of({b"cookie": b"a=b; xm_session=1; m_sessionx=2"}, "GET") is None
    found = credentials_of({b"cookie": b'a=b;m_session="s=1"; m_session=2', b"x-csrf-token": b"c"}, "PUT")
    assert found is not None
    assert (found.session_cookie, found.csrf_token, found.unsafe) == ("s=1", "c", True)
    assert [method for method in ("GET", "HEAD", "OPTIONS", "POST", "PATCH") if (
        given := credentials_of({b"authorization": b"x"}, method)) and given.unsafe] == ["POST", "PATCH"]  # fmt: skip


def test_repeated_headers_are_joined() -> None:
    headers = join_headers([(b"cookie", b"a=1"), (b"authorization", b"Bearer a"), (b"cookie", b"m_session=2"),
                               (b"authorization", b"Bearer b")])  # fmt: skip
    assert headers == {b"cookie": b"a=1; m_session=2", b"authorization": b"Bearer a, Bearer b"}
