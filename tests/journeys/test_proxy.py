"""Behind a real nginx, configured as the deployment page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.conftest import _product
from tests.journeys.product import ROOT, Product, email, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("proxy")]

LOCK_OUT_AFTER = 60
"""More failed logins than one address may have."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The CRM that trusts the proxy."""
    with _product("sqlite", tmp_path_factory.mktemp("proxied")) as product:
        product.create_users()
        product.environment["M_HTTP__TRUSTED_PROXIES"] = "127.0.0.1"
        product.start()
        yield product


@pytest.fixture(scope="module")
def outside(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app behind nginx."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    page = (ROOT / "docs/user/deployment.md").read_text(encoding="utf-8")
    shown = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)[0]
    shown = shown.replace("listen 8080", f"listen 127.0.0.1:{port}").replace(
        "127.0.0.1:8000", f"127.0.0.1:{product.port}"
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ }}\nhttp {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{shown}\n}}\n",
        encoding="utf-8",
    )
    running = subprocess.Popen((_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")))
    try:
        _wait(f"http://127.0.0.1:{port}/erp/health")
        yield f"http://127.0.0.1:{port}/erp"
    finally:
        running.terminate()
        running.wait(timeout=10)


def _nginx() -> str:
    """The path of nginx, installed where it is missing and that is possible."""
    found = _find_nginx()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (("update", "-qq"), ("install", "-qq", "-y", "--no-install-recommends", "nginx-light")):
            subprocess.run(("apt-get", *command), check=False, stdout=subprocess.DEVNULL)
        found = _find_nginx()
    assert found, "nginx is missing: install the package `nginx-light` (apt-get install nginx-light, as root)"
    return found


def _find_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _wait(address: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("nginx does not serve the app")


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
