"""Where secrets must not turn up: in answers, in what the server writes, and as they are in the store."""

from __future__ import annotations

import stat
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import httpx
from pymongo import MongoClient

from tests.journeys.database import read_rows
from tests.journeys.product import Product, email
from tests.journeys.security.responses import inspect

TABLES = ("user", "usercredential", "usersession", "loginattempt", "activitylog", "m_outbox", "m_idempotency")


def _stored(product: Product) -> str:
    """All rows of the tables that have to do with people, as text."""
    if product.url.startswith("mongodb"):
        parts = urlsplit(product.url)
        with MongoClient[dict[str, Any]](parts._replace(path="/").geturl()) as client:
            database = client[parts.path.removeprefix("/")]
            return str([database[name].find().to_list() for name in database.list_collection_names()])
    return str([read_rows(product.url, f'SELECT * FROM "{table}"') for table in TABLES])


def test_secrets_are_in_no_answer_no_log_and_no_table(fresh_product: Callable[[], Product]) -> None:
    product, seen = fresh_product(), []

    def look(response: httpx.Response) -> None:
        inspect(response)
        seen.append(f"{response.request.url.path} {response.headers} {response.text}")

    product.create_users({"admin": ("Administrator",)})
    product.start()
    assert product.process is not None
    given = {"username": email("admin"), "password": product.passwords["admin"]}
    with product.client(event_hooks={"response": [look]}) as client:
        tokens = client.post("/api/v1/auth/login", json=given, headers={"idempotency-key": "one"}).json()
        spent = client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
        fresh = client.post("/api/v1/auth/refresh", json={"refresh_token": spent["refresh_token"]}).json()
        headers = client.post("/api/v1/auth/login?session=true", json=given).headers.get_list("set-cookie")
        cookies = [morsel.value for header in headers for morsel in SimpleCookie(header).values()]
        client.cookies.clear()
        began = len(seen)
        client.headers["authorization"] = f"Bearer {fresh['access_token']}"
        me = client.get("/api/v1/auth/me").json()["id"]
        for path in (
            "/api/meta",
            "/api/meta/User",
            "/api/meta/Role",
            "/api/v1/User",
            f"/api/v1/User/{me}",
            "/api/v1/Role",
        ):
            client.get(path)
        client.post("/api/v1/auth/login", json={**given, "password": "wrong but secret"})
        client.post("/api/v1/auth/login", json={**given, "extra": 1})
        client.post("/api/v1/auth/login", content=f'{{"password": "{given["password"]}", '.encode())
        client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        client.get("/api/v1/auth/me")
        client.patch(f"/api/v1/User/{me}", json={"password": given["password"]})
    stored = _stored(product)
    product.process.terminate()
    written, _ = product.process.communicate(timeout=20)
    product.process = None

    (key,) = (product.app / ".m").glob("auth_secret")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    secrets = [given["password"], "wrong but secret", key.read_text(), *cookies]
    secrets += [tokens[name] for name in ("access_token", "refresh_token")]
    secrets += [one[name] for one in (spent, fresh) for name in ("access_token", "refresh_token")]
    secrets += [secret.rpartition(".")[2] for secret in secrets]
    for secret in secrets:
        assert secret and secret not in stored and secret not in written, secret
        assert not any(secret in response for response in seen[began:]), secret
    for word in ("$argon2", "password_hash", "secret_hash", "csrf_hash"):
        assert word not in written and not any(word in response for response in seen), word
    assert "$argon2id$" in stored
