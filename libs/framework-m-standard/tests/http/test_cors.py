"""Other sites' pages call only where the configuration names them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.http.settings import HttpSettings

SHOP = "https://shop.example"


async def test_nobody_is_let_in_by_default(site: Any) -> None:
    async with site.client("boss", origin=SHOP) as client:
        assert "access-control-allow-origin" not in (await client.get("/api/meta")).headers


async def test_a_named_origin(open_site: Any) -> None:
    async with open_site(cors_origins=[SHOP]) as site:
        async with site.client("boss", origin=SHOP) as client:
            for path in ("/api/meta", "/api/v1/Sale", "/nope"):
                response = await client.get(path)
                assert response.headers["access-control-allow-origin"] == SHOP
                assert response.headers["access-control-allow-credentials"] == "true"
            preflight = {"access-control-request-method": "PATCH", "access-control-request-headers": "if-match"}
            allowed = await client.options("/api/v1/Sale/x", headers=preflight)
            assert allowed.status_code == 204
            assert "PATCH" in allowed.headers["access-control-allow-methods"]
        async with site.client("boss", origin="https://evil.example") as client:
            assert "access-control-allow-origin" not in (await client.get("/api/v1/Sale")).headers
        async with site.client("no such token", origin=SHOP) as client:
            refused = await client.get("/api/v1/Sale")
            assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, SHOP)


async def test_production_wants_the_origins_stated(open_site: Any) -> None:
    with pytest.raises(ConfigurationError, match="cors_origins"):
        async with open_site(development=False):
            pass
    async with open_site(development=False, cors_origins=()) as site, site.client() as client:
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "ftp://x", "https://", "null"])
def test_origins_are_origins(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        HttpSettings(cors_origins=(origin,))
