"""`make run STORE=mongo`: the demo on MongoDB, with a server that ends with it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.journeys.product import ROOT, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journeys-mongo")]


def test_the_demo_is_served_and_its_server_ends_with_it(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "examples/crm", tmp_path / "examples/crm", ignore=shutil.ignore_patterns(".m", "__pycache__")
    )
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for _ in range(2):  # the second time with the data of the first
        port = free_port()
        _run(tmp_path, port)


def _run(folder: Path, port: int) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in {"MONGODB_URL", "DATABASE_URL"}}
    log = folder / f"log-{port}"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.run_on_mongo", str(port)],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(port, process)
            words = log.read_text().split()
            password = words[words.index("alice@example.com") + 1]
            address = f"http://127.0.0.1:{port}"
            login = {"username": "alice@example.com", "password": password}
            token = httpx.post(f"{address}/api/v1/auth/login", json=login).json()["access_token"]
            headers = {"authorization": f"Bearer {token}"}
            found = httpx.get(f"{address}/api/v1/Customer", headers=headers).json()
            assert len(found["items"]) == 4
            [server] = re.findall(r"secantusd at mongodb://127\.0\.0\.1:(\d+)", log.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in {0, -signal.SIGTERM}
    for ended in (port, int(server)):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", ended)) != 0


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the demo did not start: {process.poll()}")
