"""The product as a user meets it: the CRM in a folder of its own, the real `m`, a real store, HTTP."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.commands import run_m

ROOT = Path(__file__).resolve().parents[2]
M = Path(sys.executable).with_name("m")
EXAMPLES = ROOT / "examples"
START_SECONDS = 30
USERS: Mapping[str, tuple[str, ...]] = {
    "admin": ("Administrator",),
    "manager": ("Sales Manager",),
    "alice": ("Sales User",),
    "bob": ("Sales User",),
    "nobody": (),
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_crm(folder: Path) -> Path:
    """The example CRM, in a folder that a test may change."""
    return copy_example("crm", folder)


def copy_example(name: str, folder: Path) -> Path:
    """An example app, in a folder that a test may change."""
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns(".m", "__pycache__")))


@dataclass
class Product:
    """An app folder and a store, and the server when it runs."""

    app: Path
    url: str
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    passwords: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"

    def m(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `m` in the app's folder."""
        done = run_m(arguments, cwd=self.app, env=self._environment(), stdin=stdin)
        assert not check or done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def create_users(self, users: Mapping[str, tuple[str, ...]] = USERS) -> None:
        """Makes users with random passwords through the command line."""
        for name, roles in users.items():
            self.passwords[name] = secrets.token_urlsafe(12)
            options = [part for role in roles for part in ("--role", role)]
            self.m("user", "create", email(name), *options, "--password-stdin", stdin=self.passwords[name] + "\n")

    def start(self, *command: str) -> None:
        """Starts the server and waits until it is healthy."""
        arguments = command or ("start", "--no-reload", "--quiet")
        self.process = subprocess.Popen(
            [str(M), *arguments, "--port", str(self.port)], cwd=self.app, env=self._environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.process.stdout.read()}")  # type: ignore[union-attr]
            try:
                if httpx.get(f"{self.address}/health", timeout=1).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.kill()
        raise AssertionError("the server did not become healthy")

    def stop(self) -> int:
        """Ends the server by SIGTERM and returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(timeout=20)
        self.process.stdout.close()  # type: ignore[union-attr]
        self.process = None
        return code

    def kill(self) -> None:
        """Ends the server and its children at once, as a crash would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()  # type: ignore[union-attr]
            self.process = None

    def token(self, name: str) -> str:
        """An access token of a user."""
        response = httpx.post(
            f"{self.address}/api/v1/auth/login", json={"username": email(name), "password": self.passwords[name]}
        )
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def client(self, name: str | None = None, **options: Any) -> httpx.Client:
        """An HTTP client logged in as a user, or anonymous."""
        headers = {"authorization": f"Bearer {self.token(name)}"} if name else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=30, **options)

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("M_") and key != "DATABASE_URL"}
        many = {"M_AUTH__MAX_SESSIONS_PER_USER": "10000"}  # each of the tests that share the server logs in anew
        return kept | store_settings(self.url) | many | self.environment


def store_settings(url: str) -> dict[str, str]:
    """The variables that choose the database of an address."""
    if not url.startswith("mongodb"):
        return {"DATABASE_URL": url}
    parts = urlsplit(url)
    return {"M_MONGO__URL": parts._replace(path="/").geturl(), "M_MONGO__DATABASE": parts.path.removeprefix("/")}


def email(name: str) -> str:
    """The address that a test user logs in with."""
    return f"{name}@example.com"
