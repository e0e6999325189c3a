"""Forged access tokens: the secret of this server is known to the test, so each is wrong in one respect alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.journeys.product import Product, email
from tests.journeys.security.gate import SECRET, derived_key
from tests.journeys.security.responses import HOOKS, refused

KEY = derived_key("access-token")
ME = "/api/v1/auth/me"


@pytest.fixture(scope="module")
def visitor(gate: Product) -> Iterator[httpx.Client]:
    with gate.client(event_hooks=HOOKS) as client:
        yield client


@pytest.fixture(scope="module")
def token(gate: Product) -> str:
    return gate.token("alice")


@pytest.fixture(scope="module")
def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_iss": False}))


def _part(content: Any) -> str:
    octets = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _signed(header: dict[str, Any], claims: Any, key: bytes = KEY, digest: str = "sha256") -> str:
    text = f"{_part(header)}.{_part(claims)}"
    return f"{text}.{_part(hmac.new(key, text.encode(), digest).digest())}"


def _as(visitor: httpx.Client, token: str) -> httpx.Response:
    return visitor.get(ME, headers={"authorization": f"Bearer {token}"})


def test_what_these_tests_forge_is_taken_when_nothing_is_wrong_with_it(
    visitor: httpx.Client, claims: dict[str, Any]
) -> None:
    later = {**claims, "exp": claims["exp"] + 60}
    for token in (jwt.encode(later, KEY, algorithm="HS256"), _signed({"alg": "HS256", "typ": "JWT"}, later)):
        assert _as(visitor, token).json()["email"] == email("alice"), token


@pytest.mark.parametrize("late", [1, 60, 10**6, 2 * 10**9])
def test_an_expired_token_is_refused(visitor: httpx.Client, claims: dict[str, Any], late: int) -> None:
    refused(_as(visitor, jwt.encode({**claims, "exp": int(time.time()) - late}, KEY)), 401, "unauthenticated")


@pytest.mark.parametrize("exp", [None, "never", [], {}, True, -1, 10**20, 1e400, "9999999999", float("nan")])
def test_an_expiry_that_is_none_is_refused(visitor: httpx.Client, claims: dict[str, Any], exp: Any) -> None:
    refused(_as(visitor, _signed({"alg": "HS256"}, {**claims, "exp": exp})), 401, "unauthenticated")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, "HS384", "HS512", "RS256", "ES256"])
def test_an_algorithm_of_the_senders_choice_is_refused(
    visitor: httpx.Client, claims: dict[str, Any], algorithm: str | None
) -> None:
    header = {"alg": algorithm, "typ": "JWT"}
    unsigned = f"{_part(header)}.{_part(claims)}"
    good = jwt.encode(claims, KEY).rpartition(".")[2]
    digests = {"HS384": "sha384", "HS512": "sha512"}
    for token in (
        f"{unsigned}.",
        unsigned,
        f"{unsigned}.{good}",
        f"{unsigned}.{_part(b'x')}",
        _signed(header, claims, KEY, digests.get(algorithm or "", "sha256")),
    ):
        refused(_as(visitor, token), 401, "unauthenticated")


@pytest.mark.parametrize(
    "key",
    [b"", b"x" * 32, SECRET.encode(), hashlib.sha256(SECRET.encode()).digest(), b"secret", KEY[:-1], KEY + b"x",
     derived_key("login-throttle")],
    ids=["empty", "other", "the secret itself", "its digest", "a word", "cut", "longer", "another purpose's"],
)  # fmt: skip
def test_another_key_is_refused(visitor: httpx.Client, claims: dict[str, Any], key: bytes) -> None:
    refused(_as(visitor, _signed({"alg": "HS256"}, claims, key)), 401, "unauthenticated")


@pytest.mark.parametrize(
    "header",
    [{"kid": "../../../../dev/null"}, {"kid": "' UNION SELECT 'x"}, {"jku": "http://127.0.0.1:1/keys"},
     {"jwk": {"kty": "oct", "k": _part(b"x" * 32)}}, {"x5u": "http://127.0.0.1:1/"}, {"x5c": ["x"]}],
    ids=str,
)  # fmt: skip
def test_a_key_that_the_token_brings_along_is_not_looked_at(
    visitor: httpx.Client, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    for key in (b"x" * 32, b"", b"x"):
        refused(_as(visitor, _signed({"alg": "HS256", **header}, claims, key)), 401, "unauthenticated")


@pytest.mark.parametrize("claim", ["iss", "sub", "sid", "epoch", "iat", "exp"])
def test_every_claim_counts(gate: Product, visitor: httpx.Client, claims: dict[str, Any], claim: str) -> None:
    admin = jwt.decode(gate.token("admin"), KEY, algorithms=["HS256"], options={"verify_iss": False})
    missing = {name: value for name, value in claims.items() if name != claim}
    values: list[Any] = [None, "", [], {}, "x", str(uuid4()), "\0", -1, 10**30]
    values += [admin[claim]] if claim in {"sub", "sid"} else []
    values += [claims["epoch"] + 1, claims["epoch"] - 1] if claim == "epoch" else []
    if claim == "iat":
        values = [None]
    for forged in (missing, *({**claims, claim: value} for value in values)):
        refused(_as(visitor, _signed({"alg": "HS256"}, forged)), 401, "unauthenticated")


def test_tokens_that_are_none_are_refused(visitor: httpx.Client, token: str) -> None:
    head, body, signature = token.split(".")
    for forged in (
        ".", "..", "...", "x", "a.b", "a.b.c", f"{head}.{body}", f"{head}.{body}.", f"{head}..{signature}",
        f".{body}.{signature}", f"{token}.x", f"{token}x", token[:-10], token.swapcase(), f"{body}.{head}.{signature}",
        f"{head}.{_part(b'null')}.{signature}", _signed({"alg": "HS256"}, None), _signed({"alg": "HS256"}, []),
        _signed({"alg": "HS256"}, "x"), _signed({"alg": "HS256"}, b"\xff"), _signed({}, {}), _signed([], {}),  # type: ignore[arg-type]
        "a" * 20_000, f"{head}.{_part(b'[' * 10_000)}.{signature}", "null", "undefined", "Bearer",
    ):  # fmt: skip
        refused(_as(visitor, forged), 401, "unauthenticated")
    for sent in (token, f"Token {token}", f"bearer{token}", f"Basic {token}", f"Bearer, {token}", "Bearer"):
        refused(visitor.get(ME, headers={"authorization": sent}), 401, "unauthenticated")
    for sent in (f"bearer {token}", f"BEARER {token}"):
        assert visitor.get(ME, headers={"authorization": sent}).status_code == 200, sent


def test_a_token_in_a_query_or_body_is_no_credential(visitor: httpx.Client, token: str) -> None:
    for name in ("token", "access_token", "api_key", "authorization"):
        refused(visitor.get("/api/v1/Customer", params={name: token}), 401, "unauthenticated")
        refused(visitor.post("/api/v1/Customer", json={"full_name": "x", name: token}), 401, "unauthenticated")
        refused(visitor.get("/api/v1/Customer", headers={"cookie": f"{name}={token}"}), 401, "unauthenticated")
