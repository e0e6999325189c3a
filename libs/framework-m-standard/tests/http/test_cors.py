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
                assert response.headers["access-control-allow-origin"] == SHOP, path
                assert response.headers["access-control-allow-credentials"] == "true", path
            preflight = {"access-control-request-method": "PATCH", "access-control-request-headers": "if-match"}
            allowed = await client.options("/api/v1/Sale/x", headers=preflight)
            assert allowed.status_code == 204
            assert "PATCH" in allowed.headers["access-control-allow-methods"]
        async with site.client("boss", origin="https://evil.example") as client:
            assert "access-control-allow-origin" not in (await client.get("/api/v1/Sale")).headers
        async with site.client("no such token", origin=SHOP) as client:
            refused = await client.get("/api/v1/Sale")
            assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, SHOP)


async def test_what_browsers_and_traces_add_is_allowed_and_what_is_configured(open_site: Any) -> None:
    asked = {"access-control-request-method": "HEAD", "access-control-request-headers": "traceparent,x-shop"}
    async with (
        open_site(cors_origins=[SHOP], cors_headers=["X-Shop"]) as site,
        site.client(None, origin=SHOP) as client,
    ):
        headers = (await client.options("/api/v1/Sale", headers=asked)).headers
    allowed = {name.strip().lower() for name in headers["access-control-allow-headers"].split(",")}
    assert {"traceparent", "x-requested-with", "x-shop", "if-match", "idempotency-key"} <= allowed
    assert "HEAD" in headers["access-control-allow-methods"]


VARY = ["authorization", "cookie", "x-api-key", "origin"]


@pytest.mark.parametrize("origins", [(), (SHOP,), ("*",)])
@pytest.mark.parametrize("origin", [None, SHOP, "https://evil.example"])
async def test_every_answer_says_what_it_varies_by(open_site: Any, origins: Any, origin: str | None) -> None:
    async with open_site(cors_origins=origins) as site:
        path = f"/api/v1/Sale/{(await site.make())['id']}"
        sent = {"origin": origin} if origin else {}
        expected = {
            ("boss", "GET", path): 200, ("boss", "GET", "/api/v1/Sale"): 200, ("boss", "GET", "/api/meta"): 200,
            ("boss", "GET", "/api/meta/Sale"): 200, ("boss", "GET", "/schema/openapi.json"): 200,
            ("boss", "GET", "/schema/swagger"): 200, ("boss", "HEAD", path): 200, ("boss", "POST", path): 405,
            ("boss", "GET", "/nope"): 404, ("boss", "GET", f"{path}?x=1"): 400, (None, "GET", path): 401,
            ("wrong", "GET", path): 401, ("nobody", "GET", path): 403,
            ("boss", "POST", "/api/v1/rpc/fn/sales.ping"): 200,
            ("boss", "GET", "/api/v1/auth/me"): 200, (None, "GET", "/health"): 200, (None, "GET", "/ready"): 200,
        }  # fmt: skip
        for (name, method, at), status in expected.items():
            async with site.client(name, **sent) as client:
                response = await client.request(method, at)
                compressible = (
                    ["accept-encoding"] if at in {"/api/meta", "/api/meta/Sale", "/schema/openapi.json"} else []
                )
                varied = [", ".join([*VARY, *compressible])]
                assert (response.status_code, response.headers.get_list("vary")) == (status, varied), (method, at)
                if etag := response.headers.get("etag"):
                    again = await client.request(method, at, headers={"if-none-match": etag})
                    assert (again.status_code, again.headers.get_list("vary")) == (304, varied)


async def test_what_an_answer_varies_by_of_its_own_is_kept(open_site: Any) -> None:
    async with open_site(cors_origins=[SHOP]) as site, site.client(origin=SHOP) as client:
        assert (await client.get("/")).headers.get_list("vary") == [", ".join([*VARY, "accept"])]
        preflight = await client.options("/api/v1/Sale", headers={"access-control-request-method": "PATCH"})
        assert preflight.headers.get_list("vary") == [", ".join(VARY)]


async def test_production_wants_the_origins_stated(open_site: Any) -> None:
    with pytest.raises(ConfigurationError, match="cors_origins"):
        async with open_site(development=False):
            pass
    async with open_site(development=False, cors_origins=()) as site, site.client() as client:
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "ftp://x", "https://", "null"])
def test_origins_are_origins(origin: str) -> None:
    with pytest.raises(ValidationError) as refused:
        HttpSettings(cors_origins=(origin,))
    assert [(error["loc"], error["input"]) for error in refused.value.errors()] == [(("cors_origins",), (origin,))]


@pytest.mark.parametrize(
    ("origin", "asked", "refused"),
    [
        ("https://evil.example", {"access-control-request-method": "PATCH"}, "Origin"),
        (SHOP, {"access-control-request-method": "TRACE"}, "method"),
        (SHOP, {"access-control-request-method": "GET", "access-control-request-headers": "x-evil"}, "headers"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/Sale/x", "/api/meta", "/nope", "//", "/api/v1/auth/login"])
async def test_a_refused_preflight_is_a_problem(
    open_site: Any, path: str, origin: str, asked: dict[str, str], refused: str
) -> None:
    async with open_site(cors_origins=[SHOP]) as site, site.client(origin=origin) as client:
        response = await client.options(path, headers=asked)
        assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
        assert response.headers.get_list("content-length") == [str(len(response.content))]
        assert response.json()["code"] == "cors_refused"
        assert response.json()["request_id"] == response.headers["x-request-id"]
        assert refused in response.json()["detail"]
        assert response.headers.get_list("vary") == [", ".join(VARY)]
        assert "access-control-allow-origin" not in response.headers
