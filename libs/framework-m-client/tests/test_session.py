"""Logging in, renewing tokens and logging out."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from framework_m_client import AsyncClient, AuthenticationError, PermissionDeniedError, Tokens

from .conftest import ADDRESS, EMAIL, PASSWORD, Shop

REFRESH = "/api/v1/auth/refresh"


def log_in(shop: Shop, kind: str) -> Any:
    client = shop.connect(kind)
    client.login(EMAIL, PASSWORD)
    return client


def expired(client: Any) -> Tokens:
    """The tokens of a client, with an access token that is refused."""
    return Tokens(client.tokens.access + "x", client.tokens.refresh)


def paths(shop: Shop) -> list[str]:
    return [request.url.path for request in shop.network.sent]


def test_a_session(shop: Shop, kind: str) -> None:
    client = shop.connect(kind)
    with pytest.raises(AuthenticationError):
        client.me()
    user = client.login(EMAIL, PASSWORD)
    assert (user.email, user.roles) == (EMAIL, {"Clerk"})
    assert client.me() == user
    before = client.tokens
    client.refresh()
    assert client.tokens != before
    assert client.me() == user
    access = client.tokens.access
    client.logout()
    assert client.tokens is None
    with pytest.raises(AuthenticationError):
        shop.connect(kind, token=access).me()


def test_a_wrong_password_is_tried_once(shop: Shop, kind: str) -> None:
    with pytest.raises(AuthenticationError):
        shop.connect(kind).login(EMAIL, "wrong")
    assert len(shop.network.sent) == 1


def test_an_expired_access_token_is_renewed(shop: Shop, kind: str) -> None:
    first = log_in(shop, kind)
    client = shop.connect(kind, tokens=expired(first))
    assert client.doctype("Product").create({"sku": "S"})["owner"] == client.me().id
    assert paths(shop).count(REFRESH) == 1
    assert client.tokens.refresh != first.tokens.refresh


def test_a_session_that_has_ended_is_told_once(shop: Shop, kind: str) -> None:
    client = shop.connect(kind, tokens=Tokens("gone", "gone"))
    with pytest.raises(AuthenticationError):
        client.me()
    assert client.tokens is None
    with pytest.raises(AuthenticationError):
        client.me()
    assert paths(shop).count(REFRESH) == 1
    with pytest.raises(ValueError, match="refresh token"):
        client.refresh()


def test_threads_renew_once(shop: Shop) -> None:
    client = shop.connect("sync", tokens=expired(log_in(shop, "sync")))
    with ThreadPoolExecutor(8) as threads:
        users = {threads.submit(client.me) for _ in range(8)}
    assert {done.result().email for done in users} == {EMAIL}
    assert paths(shop).count(REFRESH) == 1


def test_tasks_renew_once(shop: Shop) -> None:
    tokens = expired(log_in(shop, "sync"))

    async def ask() -> set[str]:
        async with AsyncClient(ADDRESS, tokens=tokens, transport=shop.network) as client:
            return {user.email for user in await asyncio.gather(*(client.me() for _ in range(8)))}

    assert shop.loop.run(ask()) == {EMAIL}
    assert paths(shop).count(REFRESH) == 1


def test_an_api_key_which_the_server_would_not_read_is_refused(shop: Shop, kind: str) -> None:
    with pytest.raises(TypeError, match="api_key"):
        shop.connect(kind, api_key="secret")


def test_what_is_not_granted_is_told(shop: Shop, kind: str) -> None:
    client = log_in(shop, kind)
    with pytest.raises(PermissionDeniedError) as refused:
        client.doctype("User").create({"email": "x@example.com"})
    assert refused.value.code == "no_grant"


def test_secrets_do_not_show(shop: Shop) -> None:
    client = log_in(shop, "sync")
    assert client.tokens.access not in repr(client.tokens)
    assert PASSWORD not in repr(vars(client))
