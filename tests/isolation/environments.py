"""Wheels of our packages, and clean environments that hold some of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
DISTRIBUTIONS = (
    "framework-m-core",
    "framework-m-standard",
    "framework-m",
    "framework-m-testing",
    "framework-m-studio",
    "framework-m-client",
    "framework-mx-mongo",
)

PROVENANCE = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    dist = importlib.metadata.distribution(name)
    found[name] = {
        "version": dist.version,
        "url": json.loads(dist.read_text("direct_url.json") or "{}").get("url"),
        "modules": sorted({str(file) for file in dist.files or () if str(file).endswith(".py")}),
    }
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that knows nothing of the workspace."""

    folder: Path

    def run(
        self,
        *command: str,
        folder: Path | None = None,
        typed: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs one of the environment's programs, outside the workspace; the caller looks at the outcome."""
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=folder or self.folder,
            env={**self.variables(), **(variables or {})},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @contextmanager
    def running(self, *command: str, folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[str]:
        """Runs a server on a free port until the end of the block; the address is there once it is healthy."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [str(self.folder / "bin" / command[0]), *command[1:], "--port", str(port)],
            cwd=folder,
            env={**self.variables(), **(variables or {})},
            start_new_session=True,
        )
        try:
            _wait_until_healthy(process, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=30)

    def variables(self) -> dict[str, str]:
        """What the environment's programs find set: nothing of the workspace, nothing configured."""
        dropped = ("PYTHON", "UV_", "M_", "DATABASE_URL", "VIRTUAL_ENV")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return clean | {"PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def python(self, script: str, *arguments: str) -> str:
        """What a script prints here. Fails with what it wrote to stderr."""
        done = self.run("python", "-I", "-c", script, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def absent(self, *packages: str) -> set[str]:
        """Those of the packages that cannot be imported here."""
        script = "import sys, importlib.util as u\nprint(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
        return set(self.python(script, *packages).split())

    def holds(self, wheel: Path) -> bool:
        """Whether what is installed of a wheel's name has exactly the wheel's files."""
        with zipfile.ZipFile(wheel) as archive:
            record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
            expected = {line for line in archive.read(record).decode().split() if not line.startswith(record)}
        script = "import sys, importlib.metadata as m\nprint(m.distribution(sys.argv[1]).read_text('RECORD'))"
        return expected <= set(self.python(script, wheel.name.partition("-")[0]).split())

    def provenance(self, *distributions: str) -> dict[str, Any]:
        """Version, address of origin and modules of the installed distributions."""
        found: dict[str, Any] = json.loads(self.python(PROVENANCE, *distributions))
        return found


def build_wheels(folder: Path) -> dict[str, Path]:
    """A wheel of each distribution, built with the locked tools of this environment."""
    for name in DISTRIBUTIONS:
        project = ROOT / "libs" / name
        _must([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(project)])
    return {name: next(folder.glob(f"{name.replace('-', '_')}-*.whl")) for name in DISTRIBUTIONS}


def collect_packages(wheels: Path, into: Path, *options: str, pip: Path) -> None:
    """What `make packages` does, with a pip that is put into a folder."""
    _must([str(ROOT / "scripts/setup.sh"), "tool", str(pip), "pip"])
    command = [sys.executable, str(ROOT / "scripts/collect_packages.py"), "--wheels", str(wheels), "--into", str(into)]
    _must([*command, *options], {"PYTHONPATH": str(pip)})


def make_environment(folder: Path, requirements: Sequence[str]) -> Environment:
    """A fresh environment with these requirements, their dependencies at the locked versions."""
    uv = _uv()
    _must([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    locked = ["--constraint", str(ROOT / "requirements.lock")]
    _must([uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), *locked, *requirements])
    return Environment(folder)


def install(environment: Environment, *requirements: str) -> None:
    """Adds requirements whose dependencies are there already, by tools that are there already."""
    options = ["--quiet", "--no-deps", "--python", str(environment.folder / "bin/python")]
    _must([_uv(), "pip", "install", *options, *requirements])


def build_app(project: Path, folder: Path) -> Path:
    """The wheel of an app."""
    _must([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(project)])
    return next(folder.glob("*.whl"))


def _wait_until_healthy(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            if httpx.get(f"{address}/health", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not become healthy")


def _uv() -> str:
    brought = ROOT / ".tools/bin/uv"
    found = str(brought) if brought.exists() else shutil.which("uv")
    assert found, "uv is missing: `make setup` brings it"
    return found


def _must(command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    everything = {**os.environ, **(variables or {})}
    done = subprocess.run(command, cwd=ROOT, env=everything, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
