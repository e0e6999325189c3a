"""Behind a real nginx, configured as docs/user/deployment.md shows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.journeys.conftest import _product
from tests.journeys.nginx import running_nginx
from tests.journeys.product import Product, email
from tests.journeys.routes_app import add_routes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("proxy")]

LOCK_OUT_AFTER = 60
"""More failed logins than one address may have."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The CRM that trusts the proxy."""
    with _product("sqlite", tmp_path_factory.mktemp("proxied")) as product:
        product.create_users()
        product.environment["M_HTTP__TRUSTED_PROXIES"] = "127.0.0.1"
        add_routes(product)
        product.start()
        yield product


@pytest.fixture(scope="module")
def outside(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app behind nginx."""
    with running_nginx(product, tmp_path_factory.mktemp("nginx"), {}) as address:
        yield address


@pytest.fixture
def outside_by_tls(product: Product, tmp_path: Path) -> Iterator[str]:
    """The address of the app behind an nginx that says that its clients came by HTTPS."""
    with running_nginx(product, tmp_path, {"X-Forwarded-Proto $scheme": "X-Forwarded-Proto https"}) as address:
        yield address


def _login(product: Product, outside: str, name: str, **options: str) -> httpx.Response:
    given = {"username": email(name), "password": product.passwords[name]}
    return httpx.post(f"{outside}/api/v1/auth/login", json=given, params=options, timeout=30)


def _client(product: Product, outside: str, name: str) -> httpx.Client:
    token = _login(product, outside, name).json()["access_token"]
    return httpx.Client(base_url=outside, headers={"authorization": f"Bearer {token}"}, timeout=30)


def test_documents_are_found_where_their_location_says(product: Product, outside: str) -> None:
    with _client(product, outside, "manager") as client:
        made = client.post("/api/v1/Customer", json={"full_name": "Proxied"})
        assert made.status_code == 201, made.text
        location = made.headers["location"]
        assert location == f"/erp/api/v1/Customer/{made.json()['id']}"
        read = client.get(httpx.URL(outside).join(location))
        assert read.json() == made.json()
        assert client.get("/schema/openapi.json").json()["servers"] == [{"url": "/erp"}]


def test_tags_survive_compression(product: Product, outside: str) -> None:
    with _client(product, outside, "manager") as client:
        made = client.post("/api/v1/Customer", json={"full_name": "Compressed", "notes": "long " * 200}).json()
        path = f"/api/v1/Customer/{made['id']}"
        read = client.get(path, headers={"accept-encoding": "gzip"})
        assert read.headers["content-encoding"] == "gzip"
        tag = read.headers["etag"]
        assert tag.startswith("W/")
        assert client.get(path, headers={"if-none-match": tag}).status_code == 304
        changed = client.patch(path, json={"notes": "short"}, headers={"if-match": tag})
        assert changed.status_code == 200, changed.text
        assert client.patch(path, json={"notes": "again"}, headers={"if-match": tag}).status_code == 412
        assert client.get(path, headers={"if-none-match": tag}).status_code == 200


def test_cookies_are_for_the_prefix_alone(product: Product, outside: str) -> None:
    session = _login(product, outside, "alice", session="true")
    assert session.status_code == 200
    cookies = session.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("Path=/erp;" in cookie for cookie in cookies)


def test_a_browser_by_https_gets_secure_cookies_and_leaves_under_the_prefix(
    product: Product, outside_by_tls: str
) -> None:
    session = _login(product, outside_by_tls, "alice", session="true")
    set_cookies = session.headers.get_list("set-cookie")
    assert len(set_cookies) == 2
    assert all("; Secure" in one and "Path=/erp;" in one for one in set_cookies)
    jar = dict(one.split(";")[0].split("=", 1) for one in set_cookies)
    cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
    (token,) = (value for name, value in jar.items() if name.endswith("m_csrf"))
    with httpx.Client(base_url=outside_by_tls, headers=cookie, timeout=30) as browser:
        refused = browser.post("/api/v1/auth/logout")
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        left = browser.post("/api/v1/auth/logout", headers={"x-csrf-token": token})
        assert left.status_code == 204, left.text
        assert all("Path=/erp;" in one for one in left.headers.get_list("set-cookie"))
        assert browser.get("/api/v1/auth/me").status_code == 401


def test_uploads_and_sockets_pass(product: Product, outside: str) -> None:
    content = b"0123456789abcdef" * (5 * 1024 * 1024 // 16)
    with _client(product, outside, "alice") as alice:
        taken = alice.post("/crm/files", content=content)
        assert taken.json() == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        bearer = {"authorization": alice.headers["authorization"]}
    with connect(f"ws{outside.removeprefix('http')}/crm/customers", additional_headers=bearer, proxy=None) as client:
        client.send("Nobody")
        assert client.recv(5) == '{"by":"alice@example.com","found":0}'


@pytest.mark.parametrize("name", ["swagger", "redoc"])
def test_the_pages_of_the_api_load_what_they_link_to(product: Product, outside: str, name: str) -> None:
    with _client(product, outside, "manager") as client:
        page = client.get(f"/schema/{name}")
        assert page.status_code == 200, page.text
        linked = [one for one in re.findall(r'(?:src|href)="([^"]+)"', page.text) if not one.startswith("data:")]
        assert linked
        for link in linked:
            found = client.get(httpx.URL(f"{outside}/schema/{name}").join(link))
            assert found.status_code == 200, link


def test_a_proxy_that_keeps_the_prefix(tmp_path: Path) -> None:
    """With `root_path`, and a proxy that sends no prefix and strips none."""
    kept = {"127.0.0.1:8000/;": "127.0.0.1:8000;", "proxy_set_header X-Forwarded-Prefix /erp;": ""}
    with _product("sqlite", tmp_path / "app") as product:
        product.create_users()
        product.environment |= {"M_HTTP__TRUSTED_PROXIES": "127.0.0.1", "M_HTTP__ROOT_PATH": "/erp"}
        product.start()
        (tmp_path / "nginx").mkdir()
        with (
            running_nginx(product, tmp_path / "nginx", kept) as outside,
            _client(product, outside, "manager") as client,
        ):
            made = client.post("/api/v1/Customer", json={"full_name": "Kept"})
            assert made.headers["location"] == f"/erp/api/v1/Customer/{made.json()['id']}"
            assert client.get(f"/api/v1/Customer/{made.json()['id']}").json() == made.json()


def test_a_body_that_is_too_large_is_told_by_whoever_sees_it_first(product: Product, outside: str) -> None:
    with _client(product, outside, "manager") as client:
        response = client.post("/api/v1/Customer", content=b"x" * (11 * 1024 * 1024))
        assert response.status_code == 413


def test_failures_of_one_client_lock_nobody_else_out(product: Product, outside: str) -> None:
    """nginx appends the address that it sees; what the client wrote before it counts for nothing."""
    with _client_at("127.0.0.2") as guesser, _client_at("127.0.0.3") as other:
        for number in range(LOCK_OUT_AFTER):
            given = {"username": email(f"guess{number}"), "password": "wrong password"}
            forged = {"x-forwarded-for": f"198.51.100.{number}"}
            response = guesser.post(f"{outside}/api/v1/auth/login", json=given, headers=forged)
        assert response.status_code == 429
        given = {"username": email("bob"), "password": product.passwords["bob"]}
        assert other.post(f"{outside}/api/v1/auth/login", json=given).status_code == 200


def _client_at(address: str) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=30)
