"""Guessing at the door: what a failed login tells, how long it takes, and how often one may try."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest

from tests.journeys.product import Product, email
from tests.journeys.security.responses import HOOKS, faceless, refused

PER_ACCOUNT = 10
LOGIN = "/api/v1/auth/login"


@pytest.fixture
def visitor(gate: Product) -> Iterator[httpx.Client]:
    with gate.client(event_hooks=HOOKS) as client:
        yield client


def _try(client: httpx.Client, username: str, password: str, **given: str) -> httpx.Response:
    return client.post(LOGIN, json={"username": username, "password": password}, headers=given)


def _nobody() -> str:
    return f"{uuid4().hex[:8]}@example.com"


def test_a_failed_login_does_not_say_what_was_wrong(gate: Product, visitor: httpx.Client) -> None:
    gate.create_users({"gone": ("Sales User",)})
    gate.m("user", "disable", email("gone"))
    responses = [
        _try(visitor, email("alice"), "wrong password"),
        _try(visitor, _nobody(), "wrong password"),
        _try(visitor, _nobody(), gate.passwords["alice"]),
        _try(visitor, email("bob"), gate.passwords["alice"]),
        _try(visitor, email("gone"), gate.passwords["gone"]),
        _try(visitor, email("gone"), "wrong password"),
        _try(visitor, "alice", gate.passwords["alice"]),
        _try(visitor, "' OR 1=1 --", "' OR 1=1 --"),
        _try(visitor, "nul\0@example.com", "nul\0 nul"),
        _try(visitor, email("alice"), f"{gate.passwords['alice']}\0"),
        _try(visitor, email("alice"), gate.passwords["alice"].swapcase()),
        _try(visitor, email("alice"), f" {gate.passwords['alice']}"),
        _try(visitor, email("alice"), "*"),
        _try(visitor, "%", "%"),
    ]
    for response in responses:
        refused(response, 401, "unauthenticated")
        assert faceless(response) == faceless(responses[0])
        assert "set-cookie" not in response.headers
    assert _try(visitor, email("alice").upper(), gate.passwords["alice"]).status_code == 200


def test_a_failed_login_takes_as_long_whatever_was_wrong(gate: Product, visitor: httpx.Client) -> None:
    unknown: list[float] = []
    wrong: list[float] = []
    for number in range(24):
        if number % (PER_ACCOUNT - 2) == 0:
            assert _try(visitor, email("bob"), gate.passwords["bob"]).status_code == 200
        for username, times in ((_nobody(), unknown), (email("bob"), wrong)):
            began = time.perf_counter()
            refused(_try(visitor, username, "wrong password"), 401)
            times.append(time.perf_counter() - began)
    assert _try(visitor, email("bob"), gate.passwords["bob"]).status_code == 200
    ratio = statistics.median(unknown) / statistics.median(wrong)
    assert 0.5 < ratio < 2, (statistics.median(unknown), statistics.median(wrong))


def test_an_account_is_guessed_at_ten_times_and_no_more(gate: Product, visitor: httpx.Client) -> None:
    gate.create_users({"victim": ("Sales User",)})
    for name, password in ((email("victim"), gate.passwords["victim"]), (_nobody(), "any password")):
        spellings = [name, name.upper(), f" {name}", f"{name}\t", name.capitalize()]
        for number in range(PER_ACCOUNT):
            refused(_try(visitor, spellings[number % 5], f"guess {number}"), 401, "unauthenticated")
        limited = []
        for spelling, guess in ((name, "guess"), (name, password), (name.upper(), password)):
            for forged in ({}, {"x-forwarded-for": "203.0.113.7"}, {"forwarded": "for=203.0.113.7"}):
                limited.append(_try(visitor, spelling, guess, **forged))
        session = visitor.post(f"{LOGIN}?session=true", json={"username": name, "password": password})
        for response in (*limited, session):
            refused(response, 429, "rate_limited")
            assert 1 <= int(response.headers["retry-after"]) <= 15 * 60, (name, response.text)
            assert "set-cookie" not in response.headers, (name, response.text)
    assert _try(visitor, email("alice"), gate.passwords["alice"]).status_code == 200


def test_a_login_that_succeeds_takes_its_failures_back(gate: Product, visitor: httpx.Client) -> None:
    for _ in range(3):
        for number in range(PER_ACCOUNT - 1):
            refused(_try(visitor, email("admin"), f"typo {number}"), 401)
        assert _try(visitor, email("admin"), gate.passwords["admin"]).status_code == 200


def test_many_guesses_at_once_do_not_slip_past(gate: Product) -> None:
    name = _nobody()

    async def guess() -> list[int]:
        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(base_url=gate.address, limits=limits, timeout=60) as client:
            bodies = [{"username": name, "password": f"guess {number}"} for number in range(40)]
            return [
                response.status_code for response in await asyncio.gather(*(client.post(LOGIN, json=b) for b in bodies))
            ]

    statuses = [status for _ in range(3) for status in asyncio.run(guess())]
    with gate.client(event_hooks=HOOKS) as client:
        statuses += [_try(client, name, f"last guess {number}").status_code for number in range(PER_ACCOUNT + 1)]
    assert set(statuses) == {401, 429} and statuses.count(401) <= PER_ACCOUNT and statuses[-1] == 429


def test_an_address_is_counted_by_its_connection(fresh_product: Callable[[], Product]) -> None:
    """Not by what it says of itself; and a guesser's own account does not wipe his slate clean."""
    product = fresh_product()
    product.environment["M_AUTH__MAX_LOGIN_FAILURES_PER_ADDRESS"] = "12"
    product.create_users({"guesser": ()})
    product.start()
    with product.client(event_hooks=HOOKS) as client:
        for number in range(12):
            forged = f"203.0.113.{number}"
            refused(_try(client, _nobody(), "guess", **{"x-forwarded-for": forged, "x-real-ip": forged}), 401)
            if number == 6:
                assert _try(client, email("guesser"), product.passwords["guesser"]).status_code == 200
        for forged in ("203.0.113.99", "127.0.0.2", "::1", "nonsense", ""):
            named = {"x-forwarded-for": forged, "x-real-ip": forged, "forwarded": f"for={forged}", "client-ip": forged}
            response = _try(client, _nobody(), "guess", **named)
            refused(response, 429, "rate_limited")
            assert int(response.headers["retry-after"]) >= 1, forged
        refused(_try(client, email("guesser"), product.passwords["guesser"]), 429, "rate_limited")
