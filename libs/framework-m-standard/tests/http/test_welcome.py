"""`/` of a development server: what a person at a browser, and a program, meet first."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

from framework_m_standard.http.access import access_table
from framework_m_standard.http.routes.welcome import _page

from .conftest import PASSWORD

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_browser_gets_a_page_with_a_login(site: Any) -> None:
    async with site.client() as client:
        answer = await client.get("/", headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["vary"] == "authorization, cookie, x-api-key, origin, accept"
        assert answer.headers["x-content-type-options"] == "nosniff"
        for path in ('"schema/swagger"', '"schema/redoc"', '"schema/openapi.json"', '"api/v1/auth/login?session=true"'):
            assert path in answer.text
        assert "Sale" not in answer.text
        head = await client.head("/", headers=BROWSER)
        assert (head.status_code, head.content) == (200, b"")


async def test_the_page_runs_nothing_but_what_its_policy_names(site: Any) -> None:
    async with site.client() as client:
        answer = await client.get("/", headers=BROWSER)
    policy = answer.headers["content-security-policy"]
    assert "'unsafe" not in policy and "default-src 'none'" in policy and "form-action 'none'" in policy
    for tag in ("script", "style"):
        (found,) = re.findall(f"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(found.encode()).digest()).decode()}'" in policy
    assert "http://" not in answer.text and "https://" not in answer.text
    assert not re.search(r"\son\w+=|style=", answer.text)


async def test_its_login_opens_the_description_of_the_api(site: Any) -> None:
    """What the script sends, and the address that it opens then."""
    async with site.client() as client:
        body = {"username": "boss@example.com", "password": PASSWORD}
        assert (await client.post("/api/v1/auth/login?session=true", json=body)).status_code == 200
        assert (await client.get("/schema/swagger")).status_code == 200


async def test_all_others_get_json(site: Any) -> None:
    async with site.client() as client:
        answer = (await client.get("/")).json()
    assert (answer["app"], answer["version"]) == ("Framework M", "1")
    assert answer["login"] == "POST /api/v1/auth/login"
    assert answer["documentation"]["swagger"] == "/schema/swagger"
    assert len(answer["routes"]) == len(access_table()) - 1


async def test_production_has_no_such_page(open_site: Any) -> None:
    async with open_site(development=False, cors_origins=()) as site, site.client() as client:
        assert (await client.get("/", headers=BROWSER)).status_code == 404


def test_names_are_escaped() -> None:
    page = _page("<script>alert(1)</script>", '"&')
    assert "<script>alert" not in page and "&lt;script&gt;" in page and "&quot;&amp;" in page
