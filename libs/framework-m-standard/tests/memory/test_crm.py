"""The CRM on the store in memory, over HTTP, in a process of its own: what its users do all day."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

_CRM = Path(__file__).resolve().parents[4] / "examples" / "crm"
_SERVER = Path(__file__).with_name("serve_crm.py")
_M = Path(sys.executable).with_name("m")
_USERS = {"alice": ["Sales User"], "bob": ["Sales User"], "manager": ["Sales Manager"]}
_LINES = [{"description": "Chair", "qty": "1.5", "rate": "2.10"}, {"description": "Desk", "qty": 1, "rate": 3}]


class Site:
    """A server that runs, and logins to it."""

    def __init__(self, port: int, passwords: dict[str, str]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._passwords = passwords

    def client(self, name: str) -> httpx.Client:
        """A client who has logged in."""
        login = {"username": f"{name}@example.com", "password": self._passwords[name]}
        response = httpx.post(f"{self.address}/api/v1/auth/login", json=login)
        assert response.status_code == 200, response.text
        headers = {"authorization": f"Bearer {response.json()['access_token']}"}
        return httpx.Client(base_url=f"{self.address}/api/v1", headers=headers, timeout=30)


@contextmanager
def _running(folder: Path, command: list[str], port: int, given: str = "", **variables: str) -> Iterator[None]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("M_") and key != "DATABASE_URL"}
    environment = kept | {"M_ADAPTERS__STORE": "memory"} | variables
    with (folder / "input").open("w+") as written, (folder / "log").open("w") as log:
        written.write(given)
        written.seek(0)
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=written, stdout=log, stderr=log)
        try:
            _wait_until_healthy(process, port, folder / "log")
            yield
            process.terminate()
            assert process.wait(20) == 0, (folder / "log").read_text()
        finally:
            process.kill()
            process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=1).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _copy(folder: Path) -> Path:
    return Path(shutil.copytree(_CRM, folder / "crm", ignore=shutil.ignore_patterns(".m", "__pycache__")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The CRM with two salespeople and their manager."""
    port, passwords = _free_port(), {name: secrets.token_urlsafe(12) for name in _USERS}
    users = {f"{name}@example.com": (passwords[name], roles) for name, roles in _USERS.items()}
    command = [sys.executable, "-P", str(_SERVER), str(port)]
    folder = _copy(tmp_path_factory.mktemp("memory"))
    with _running(folder, command, port, json.dumps(users)):
        yield Site(port, passwords)
    assert not list((folder / ".m").glob("*.db")), "a database file was made all the same"


def test_an_invoice_from_draft_to_deletion(site: Site) -> None:
    with site.client("alice") as alice, site.client("bob") as bob, site.client("manager") as manager:
        customer = alice.post("/Customer", json={"full_name": "AT&T <b> ☃"}).json()["id"]
        response = alice.post("/Invoice", json={"customer": customer, "items": _LINES})
        assert response.status_code == 201, response.text
        invoice, path = response.json(), f"/Invoice/{response.json()['id']}"
        assert (invoice["total"], invoice["customer_name"]) == ("6.15", "AT&T <b> ☃")
        assert alice.get(path).json() == invoice == manager.get(f"/Invoice/{invoice['name']}").json()

        assert bob.get(path).status_code == 404
        assert bob.patch(path, json={"remarks": "mine"}).status_code == 404
        assert bob.get("/Invoice").json()["items"] == []
        assert bob.post("/Invoice", json={"customer": customer}).json()["errors"][0]["field"] == "customer"
        assert alice.post(f"{path}/submit").status_code == 403

        kept = {"_version": 1, "items": [{"id": invoice["items"][1]["id"], "qty": "2"}]}
        changed = alice.put(path, json=kept)
        assert (changed.json()["total"], changed.json()["_version"]) == ("6.00", 2)
        assert alice.put(path, json=kept).status_code == 409

        assert manager.post(f"{path}/submit").json()["docstatus"] == 1
        _wait_for_status(alice, customer, "Active")
        assert alice.patch(path, json={"items": []}).status_code == 409
        assert alice.delete(f"/Customer/{customer}").status_code == 409
        assert manager.post(f"{path}/cancel").json()["docstatus"] == 2
        assert alice.delete(path).status_code == 204
        assert alice.get(path).status_code == 404
        assert alice.delete(f"/Customer/{customer}").status_code == 204


def _wait_for_status(client: httpx.Client, customer: str, wanted: str) -> None:
    """The handler of the submitted invoice is fed by the relay."""
    deadline = time.monotonic() + 10
    while client.get(f"/Customer/{customer}").json()["status"] != wanted:
        assert time.monotonic() < deadline, "the event was not delivered"
        time.sleep(0.05)


def test_lists_are_filtered_sorted_counted_and_continued(site: Site) -> None:
    with site.client("alice") as alice:
        for number in range(25):
            values = {"full_name": f"Page {number:02d}", "email": None if number % 5 else f"{number}@example.com"}
            alice.post("/Contact", json=values).raise_for_status()
        wanted = json.dumps([{"field": "full_name", "operator": "starts_with", "value": "Page"}])
        asked: dict[str, Any] = {"filters": wanted, "order_by": "email,-full_name", "limit": 10, "count": "exact"}
        seen, cursor = [], None
        while True:
            page = alice.get("/Contact", params=asked | ({"cursor": cursor} if cursor else {})).json()
            assert page["total"] == 25
            seen += [(item["email"], item["full_name"]) for item in page["items"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        known = sorted((f"{n}@example.com", f"Page {n:02d}") for n in range(0, 25, 5))
        assert seen == known + [(None, f"Page {n:02d}") for n in reversed(range(25)) if n % 5]


def test_a_keyed_write_is_done_once_and_unique_values_are_taken_once(site: Site) -> None:
    with site.client("alice") as alice:
        key = {"Idempotency-Key": secrets.token_hex(8)}
        responses = [alice.post("/Item", json={"item_code": "LAMP"}, headers=key) for _ in range(2)]
        assert [response.status_code for response in responses] == [201, 201]
        assert responses[0].json() == responses[1].json()
        assert alice.post("/Item", json={"item_code": "LAMP"}).status_code == 409


def test_m_start_serves_it_with_an_administrator(tmp_path: Path) -> None:
    port, password = _free_port(), secrets.token_urlsafe(12)
    command = [str(_M), "start", "--no-reload", "--port", str(port)]
    site = Site(port, {"admin": password})
    with _running(_copy(tmp_path), command, port, M_MEMORY__PASSWORD=password), site.client("admin") as admin:
        assert admin.post("/Customer", json={"full_name": "First"}).status_code == 201
        assert [user["email"] for user in admin.get("/User").json()["items"]] == ["admin@example.com"]
    log = (tmp_path / "crm" / "log").read_text()
    assert "log in as admin@example.com" in log and password not in log
