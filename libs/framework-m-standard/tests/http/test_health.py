"""Probes."""

from __future__ import annotations

from typing import Any


async def test_ready_is_what_the_ping_says(site: Any) -> None:
    async with site.client() as client:
        assert (await client.get("/ready")).json() == {"status": "ready"}
        site.failing.append(ConnectionError("db.internal refused"))
        response = await client.get("/ready")
        assert (response.status_code, response.json()["code"]) == (503, "not_ready")
        assert "db.internal" not in response.text
        assert "retry-after" in response.headers
        assert (await client.get("/health")).json() == {"status": "ok"}


async def test_ready_shows_what_an_operator_should_know(site: Any) -> None:
    site.warnings.append("nobody relays")
    async with site.client() as client:
        response = await client.get("/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "warnings": ["nobody relays"]})


async def test_a_server_that_stops_is_not_ready(site: Any) -> None:
    site.lifecycle.stopping = True
    async with site.client() as client:
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200
