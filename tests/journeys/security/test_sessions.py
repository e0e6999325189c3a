"""Sessions: what ends them, what they need, and what does not begin one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.product import Product, email
from tests.journeys.security.responses import HOOKS, refused

ME = "/api/v1/auth/me"
LOGIN, LOGOUT, REFRESH = "/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/auth/refresh"


@pytest.fixture
def visitor(gate: Product) -> Iterator[httpx.Client]:
    """Keeps no cookies: each request says what it carries."""
    with gate.client(event_hooks=HOOKS) as client:
        yield client
        client.cookies.clear()


def _login(visitor: httpx.Client, gate: Product, name: str = "alice") -> dict[str, Any]:
    response = visitor.post(LOGIN, json={"username": email(name), "password": gate.passwords[name]})
    assert response.status_code == 200, response.text
    return dict(response.json())


def _bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def _cookies(visitor: httpx.Client, gate: Product, name: str = "alice") -> dict[str, str]:
    """The session cookie and the CSRF token of a browser's login."""
    response = visitor.post(f"{LOGIN}?session=true", json={"username": email(name), "password": gate.passwords[name]})
    assert response.status_code == 200, response.text
    visitor.cookies.clear()
    return {
        name: morsel.value
        for header in response.headers.get_list("set-cookie")
        for name, morsel in SimpleCookie(header).items()
    }


def _browser(cookies: dict[str, str], csrf: str | None = None) -> dict[str, str]:
    sent = {"cookie": f"m_session={cookies['m_session']}; m_csrf={cookies['m_csrf']}"}
    return sent if csrf is None else {**sent, "x-csrf-token": csrf}


# The end of sessions.


def test_logout_ends_the_session_at_once(gate: Product, visitor: httpx.Client) -> None:
    tokens, other = _login(visitor, gate), _login(visitor, gate)
    assert visitor.get(ME, headers=_bearer(tokens)).status_code == 200
    assert visitor.post(LOGOUT, headers=_bearer(tokens)).status_code == 204
    refused(visitor.get(ME, headers=_bearer(tokens)), 401, "unauthenticated")
    refused(visitor.get("/api/v1/Customer", headers=_bearer(tokens)), 401, "unauthenticated")
    refused(visitor.post(LOGOUT, headers=_bearer(tokens)), 401, "unauthenticated")
    refused(visitor.post(REFRESH, json={"refresh_token": tokens["refresh_token"]}), 401, "unauthenticated")
    assert visitor.get(ME, headers=_bearer(other)).status_code == 200


def test_logout_of_a_browser_ends_its_session_and_takes_its_cookies(gate: Product, visitor: httpx.Client) -> None:
    cookies = _cookies(visitor, gate)
    refused(visitor.post(LOGOUT, headers=_browser(cookies)), 403, "csrf_failed")
    assert visitor.get(ME, headers=_browser(cookies)).status_code == 200
    gone = visitor.post(LOGOUT, headers=_browser(cookies, cookies["m_csrf"]))
    assert gone.status_code == 204
    for header in gone.headers.get_list("set-cookie"):
        assert "Max-Age=0" in header or "expires=Thu, 01 Jan 1970" in header
    visitor.cookies.clear()
    refused(visitor.get(ME, headers=_browser(cookies)), 401, "unauthenticated")


def test_a_refresh_token_is_good_once(gate: Product, visitor: httpx.Client) -> None:
    first = _login(visitor, gate)
    second = visitor.post(REFRESH, json={"refresh_token": first["refresh_token"]}).json()
    third = visitor.post(REFRESH, json={"refresh_token": second["refresh_token"]}).json()
    assert len({tokens["refresh_token"] for tokens in (first, second, third)}) == 3
    assert visitor.get(ME, headers=_bearer(third)).json()["email"] == email("alice")
    # Somebody has a copy of a spent one: nobody keeps the session.
    refused(visitor.post(REFRESH, json={"refresh_token": first["refresh_token"]}), 401, "unauthenticated")
    for tokens in (first, second, third):
        refused(visitor.get(ME, headers=_bearer(tokens)), 401, "unauthenticated")
        refused(visitor.post(REFRESH, json={"refresh_token": tokens["refresh_token"]}), 401, "unauthenticated")


def test_tabs_that_refresh_at_once_are_answered_alike(gate: Product, visitor: httpx.Client) -> None:
    spent = {"refresh_token": _login(visitor, gate)["refresh_token"]}

    async def refresh() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=gate.address, timeout=30) as client:
            return await asyncio.gather(*(client.post(REFRESH, json=spent) for _ in range(8)))

    responses = asyncio.run(refresh())
    assert {response.status_code for response in responses} == {200}
    [token] = {response.json()["refresh_token"] for response in responses}
    assert all(visitor.get(ME, headers=_bearer(response.json())).status_code == 200 for response in responses)
    again = visitor.post(REFRESH, json={"refresh_token": token})
    assert again.status_code == 200
    # what was spent before that is a copy in somebody's hands
    refused(visitor.post(REFRESH, json=spent), 401, "unauthenticated")
    refused(visitor.get(ME, headers=_bearer(again.json())), 401, "unauthenticated")


def test_who_knows_a_session_cannot_end_it(gate: Product, visitor: httpx.Client) -> None:
    tokens, other = _login(visitor, gate), _login(visitor, gate)
    id = tokens["refresh_token"].partition(".")[0]
    for secret in ("", "x", "x" * 86, other["refresh_token"].partition(".")[2]):
        refused(visitor.post(REFRESH, json={"refresh_token": f"{id}.{secret}"}), 401, "unauthenticated")
    assert visitor.get(ME, headers=_bearer(tokens)).status_code == 200
    assert visitor.post(REFRESH, json={"refresh_token": tokens["refresh_token"]}).status_code == 200


def test_a_login_ends_the_oldest_sessions_past_the_bound(fresh_product: Callable[[], Product]) -> None:
    product = fresh_product()
    product.environment["M_AUTH__MAX_SESSIONS_PER_USER"] = "3"
    product.create_users({"alice": ("Sales User",)})
    product.start()
    with product.client() as visitor:
        logins = [_login(visitor, product) for _ in range(4)]
        refused(visitor.post(REFRESH, json={"refresh_token": logins[0]["refresh_token"]}), 401, "unauthenticated")
        for tokens in logins[1:]:
            assert visitor.get(ME, headers=_bearer(tokens)).status_code == 200


def test_one_kind_of_secret_is_not_taken_for_another(gate: Product, visitor: httpx.Client) -> None:
    tokens, cookies = _login(visitor, gate), _cookies(visitor, gate)
    refused(visitor.post(REFRESH, json={"refresh_token": cookies["m_session"]}), 401)
    refused(visitor.post(REFRESH, json={"refresh_token": tokens["access_token"]}), 401)
    refused(visitor.get(ME, headers={"authorization": f"Bearer {cookies['m_session']}"}), 401)
    refused(visitor.get(ME, headers={"authorization": f"Bearer {tokens['refresh_token']}"}), 401)
    refused(visitor.get(ME, headers={"cookie": f"m_session={tokens['refresh_token']}"}), 401)
    refused(visitor.get(ME, headers={"cookie": f"m_session={tokens['access_token']}"}), 401)
    mixed = f"{cookies['m_session'].partition('.')[0]}.{tokens['refresh_token'].partition('.')[2]}"
    refused(visitor.get(ME, headers={"cookie": f"m_session={mixed}"}), 401)
    assert visitor.get(ME, headers=_browser(cookies)).status_code == 200
    assert visitor.get(ME, headers=_bearer(tokens)).status_code == 200


@pytest.mark.parametrize("change", ["disable", "set-password", "disable over HTTP", "delete over HTTP"])
def test_a_user_who_is_shut_out_is_out_within_a_second(
    gate: Product, visitor: httpx.Client, eventually: Callable[[Callable[[], bool]], None], change: str
) -> None:
    name = f"leaver-{change.replace(' ', '-')}"
    gate.create_users({name: ("Sales User",)})
    tokens, cookies = _login(visitor, gate, name), _cookies(visitor, gate, name)
    id = visitor.get(ME, headers=_bearer(tokens)).json()["id"]
    admin = _bearer(_login(visitor, gate, "admin"))
    assert visitor.get(ME, headers=_browser(cookies)).status_code == 200
    match change:
        case "disable":
            gate.m("user", "disable", email(name))
        case "set-password":
            gate.m("user", "set-password", email(name), "--password-stdin", stdin="another password\n")
        case "disable over HTTP":
            visitor.patch(f"/api/v1/User/{id}", json={"enabled": False}, headers=admin).raise_for_status()
        case "delete over HTTP":
            visitor.delete(f"/api/v1/User/{id}", headers=admin).raise_for_status()
    for credentials in (_bearer(tokens), _browser(cookies)):
        eventually(lambda sent=credentials: visitor.get("/api/v1/Customer", headers=sent).status_code == 401)  # type: ignore[misc]
        refused(visitor.post("/api/v1/Customer", json={"full_name": "x"}, headers=credentials), 401)
    refused(visitor.post(REFRESH, json={"refresh_token": tokens["refresh_token"]}), 401)
    old = {"username": email(name), "password": gate.passwords[name]}
    refused(visitor.post(LOGIN, json=old), 401)
    # Being let in again brings no old session back.
    if change == "disable over HTTP":
        visitor.patch(f"/api/v1/User/{id}", json={"enabled": True}, headers=admin).raise_for_status()
        assert visitor.post(LOGIN, json=old).status_code == 200
        enabled = time.monotonic()
        while time.monotonic() < enabled + 1.1:  # longer than what is known of a session is kept
            refused(visitor.get(ME, headers=_bearer(tokens)), 401)
            refused(visitor.get(ME, headers=_browser(cookies)), 401)


def test_a_role_that_is_taken_away_is_gone_within_a_second(
    gate: Product, visitor: httpx.Client, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    gate.create_users({"demoted": ("Sales User", "Administrator")})
    tokens = _bearer(_login(visitor, gate, "demoted"))
    id = visitor.get(ME, headers=tokens).json()["id"]
    assert visitor.get("/api/v1/Role", headers=tokens).status_code == 200
    admin = _bearer(_login(visitor, gate, "admin"))
    visitor.patch(f"/api/v1/User/{id}", json={"roles": ["Sales User"]}, headers=admin).raise_for_status()
    eventually(lambda: visitor.get("/api/v1/Role", headers=tokens).status_code == 403)


# Browsers.


def test_cookies_carry_their_flags_and_answers_no_tokens(gate: Product, visitor: httpx.Client) -> None:
    given = {"username": email("alice"), "password": gate.passwords["alice"]}
    response = visitor.post(f"{LOGIN}?session=true", json=given)
    assert response.json().keys() == {"expires_in", "user"} and "no-store" in response.headers["cache-control"]
    jar = {
        name: morsel
        for header in response.headers.get_list("set-cookie")
        for name, morsel in SimpleCookie(header).items()
    }
    assert jar.keys() == {"m_session", "m_csrf"}
    for name, morsel in jar.items():
        assert bool(morsel["httponly"]) is (name == "m_session")
        assert morsel["samesite"].lower() == "lax" and morsel["path"] == "/" and not morsel["domain"]
        assert morsel.value not in response.text and len(morsel.value) >= 40
    tokens = visitor.post(LOGIN, json=given)
    assert "set-cookie" not in tokens.headers and "no-store" in tokens.headers["cache-control"]


def test_unsafe_requests_of_browsers_need_the_csrf_token(gate: Product, visitor: httpx.Client) -> None:
    cookies, others = _cookies(visitor, gate), _cookies(visitor, gate)
    made = visitor.post("/api/v1/Customer", json={"full_name": "x"}, headers=_browser(cookies, cookies["m_csrf"]))
    assert made.status_code == 201
    path = f"/api/v1/Customer/{made.json()['id']}"
    unsafe = [
        ("POST", "/api/v1/Customer", {"full_name": "x"}),
        ("PUT", path, {"_version": 1, "full_name": "y"}),
        ("PATCH", path, {"full_name": "y"}),
        ("DELETE", path, None),
        ("POST", f"/api/v1/Invoice/{uuid4()}/submit", None),
        ("POST", "/api/v1/NoSuchType", {}),
    ]
    wrong = (None, "", "x", others["m_csrf"], cookies["m_session"], cookies["m_csrf"][:-1], f"{cookies['m_csrf']}, x")
    for method, at, body in unsafe:
        for csrf in wrong:
            problem = refused(
                visitor.request(method, at, json=body, headers=_browser(cookies, csrf)), 403, "csrf_failed"
            )
            assert cookies["m_csrf"] not in str(problem)
    assert visitor.get(path, headers=_browser(cookies)).json() == made.json()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert visitor.request(method, path, headers=_browser(cookies)).is_success, method
    # A page of another site that could set a cookie of its own would still not know the session's token.
    planted = {"cookie": f"m_session={cookies['m_session']}; m_csrf=planted", "x-csrf-token": "planted"}
    refused(visitor.patch(path, json={"full_name": "y"}, headers=planted), 403, "csrf_failed")
    changed = visitor.patch(path, json={"full_name": "y"}, headers=_browser(cookies, cookies["m_csrf"]))
    assert changed.json()["full_name"] == "y"


def test_bearers_need_no_csrf_token(gate: Product, visitor: httpx.Client) -> None:
    headers = _bearer(_login(visitor, gate))
    assert visitor.post("/api/v1/Customer", json={"full_name": "x"}, headers=headers).status_code == 201


def test_a_login_begins_a_session_of_its_own(gate: Product, visitor: httpx.Client) -> None:
    """Nobody can have a victim log in to a session that he knows."""
    planted = _cookies(visitor, gate, "bob")
    given = {"username": email("alice"), "password": gate.passwords["alice"]}
    response = visitor.post(f"{LOGIN}?session=true", json=given, headers=_browser(planted))
    visitor.cookies.clear()
    assert response.status_code == 200 and planted["m_session"] not in str(response.headers)
    assert visitor.get(ME, headers=_browser(planted)).json()["email"] == email("bob")
    for sent in ("m_session=nonsense", f"m_session={uuid4()}.x"):
        assert visitor.post(f"{LOGIN}?session=true", json=given, headers={"cookie": sent}).status_code == 200, sent
        visitor.cookies.clear()


# Which credential decides.


def test_the_first_credential_decides_without_falling_through(gate: Product, visitor: httpx.Client) -> None:
    alice, bob = _cookies(visitor, gate, "alice"), _bearer(_login(visitor, gate, "bob"))
    both = {**_browser(alice), **bob}
    assert visitor.get(ME, headers=both).json()["email"] == email("bob")
    made = visitor.post("/api/v1/Customer", json={"full_name": "x"}, headers=both)
    assert (made.status_code, made.json()["owner"]) == (201, visitor.get(ME, headers=bob).json()["id"])
    refused(visitor.post("/api/v1/Customer", json={"full_name": "x"}, headers=_browser(alice)), 403, "csrf_failed")
    for header in ("Bearer nonsense", "Bearer", "Basic YTpi", ""):
        for path in (ME, "/api/v1/Customer"):
            sent = {**_browser(alice, alice["m_csrf"]), "authorization": header}
            refused(visitor.get(path, headers=sent), 401, "unauthenticated")
    for cookie in ("m_session=nonsense", f"m_session={uuid4()}.x", "m_session=."):
        refused(visitor.get(ME, headers={"cookie": cookie}), 401, "unauthenticated")
        assert visitor.get(ME, headers={**bob, "cookie": cookie}).json()["email"] == email("bob"), cookie
        assert visitor.get("/api/v1/Customer", headers={**bob, "cookie": cookie}).status_code == 200, cookie
    twice = [("authorization", "Bearer nonsense"), ("authorization", bob["authorization"])]
    for headers in (twice, twice[::-1]):
        refused(visitor.get(ME, headers=headers), 401, "unauthenticated")
    two = {"cookie": f"m_session=nonsense; m_session={alice['m_session']}"}
    refused(visitor.get(ME, headers=two), 401, "unauthenticated")


def test_a_logout_by_header_leaves_the_browsers_session(gate: Product, visitor: httpx.Client) -> None:
    alice, bob = _cookies(visitor, gate), _bearer(_login(visitor, gate, "bob"))
    out = visitor.post(LOGOUT, headers={**_browser(alice), **bob})
    assert (out.status_code, out.headers.get_list("set-cookie")) == (204, [])
    refused(visitor.get(ME, headers=bob), 401, "unauthenticated")
    assert visitor.get(ME, headers=_browser(alice)).json()["email"] == email("alice")


GATEWAY = (
    "X-User-ID", "X-User", "X-Email", "X-Roles", "X-Tenants", "X-Tenant-ID", "X-Tenant-Attributes", "X-Forwarded-User",
    "X-Forwarded-Email", "X-Remote-User", "Remote-User", "X-Auth-Request-User", "X-Auth-Request-Email",
    "X-Authenticated-User", "X-API-Key", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override",
)  # fmt: skip


def test_headers_that_name_a_user_are_ignored(gate: Product, visitor: httpx.Client, subtests: pytest.Subtests) -> None:
    for header in (*GATEWAY, "all"):
        with subtests.test(header):
            admin = visitor.get(ME, headers=_bearer(_login(visitor, gate, "admin"))).json()
            bob = _bearer(_login(visitor, gate, "bob"))
            for value in (admin["id"], admin["email"], "Administrator", '["Administrator"]', "/api/v1/Role", "DELETE"):
                named = dict.fromkeys(GATEWAY if header == "all" else [header], value)
                refused(visitor.get(ME, headers=named), 401, "unauthenticated")
                refused(visitor.get("/api/v1/Role", headers=named), 401, "unauthenticated")
                assert visitor.get(ME, headers=named | bob).json()["roles"] == ["Sales User"], value
                refused(visitor.get("/api/v1/Role", headers=named | bob), 403, "no_grant")
