"""`/` of a development server: what a person at a browser, and a program, meet first."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

from framework_m_standard.http.routes.access import list_route_access
from framework_m_standard.http.routes.welcome import _page

from .conftest import PASSWORD

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_browser_gets_a_page_with_a_login(site: Any) -> None:
    async with site.client() as client:
        response = await client.get("/", headers=BROWSER)
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["vary"] == "authorization, cookie, x-api-key, origin, accept"
        assert response.headers["x-content-type-options"] == "nosniff"
        for path in ('"schema/swagger"', '"schema/redoc"', '"schema/openapi.json"', '"api/v1/auth/login?session=true"'):
            assert path in response.text, path
        assert "Sale" not in response.text
        head = await client.head("/", headers=BROWSER)
        assert (head.status_code, head.content) == (200, b"")


async def test_the_page_runs_nothing_but_what_its_policy_names(site: Any) -> None:
    async with site.client() as client:
        response = await client.get("/", headers=BROWSER)
    policy = response.headers["content-security-policy"]
    assert "'unsafe" not in policy and "default-src 'none'" in policy and "form-action 'none'" in policy
    for tag in ("script", "style"):
        (found,) = re.findall(f"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(found.encode()).digest()).decode()}'" in policy, tag
    assert "http://" not in response.text and "https://" not in response.text
    assert not re.search(r"\son\w+=|style=", response.text)


async def test_its_login_opens_the_description_of_the_api(site: Any) -> None:
    """What the script sends, and the address that it opens then."""
    async with site.client() as client:
        body = {"username": "boss@example.com", "password": PASSWORD}
        assert (await client.post("/api/v1/auth/login?session=true", json=body)).status_code == 200
        assert (await client.get("/schema/swagger")).status_code == 200


async def test_all_others_get_json(site: Any) -> None:
    async with site.client() as client:
        response = (await client.get("/")).json()
    assert (response["app"], response["version"]) == ("Framework M", "1")
    assert response["login"] == "POST /api/v1/auth/login"
    assert response["documentation"]["swagger"] == "/schema/swagger"
    assert len(response["routes"]) == len(list_route_access()) - 1


async def test_production_has_no_such_page(open_site: Any) -> None:
    async with open_site(development=False, cors_origins=()) as site, site.client() as client:
        assert (await client.get("/", headers=BROWSER)).status_code == 404


def test_names_are_escaped() -> None:
    page = _page("<script>alert(1)</script>", '"&')
    assert "<script>alert" not in page and "&lt;script&gt;" in page and "&quot;&amp;" in page
