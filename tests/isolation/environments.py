"""Wheels of our packages, and clean environments that hold some of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = ("framework-m-core", "framework-m-standard", "framework-m", "framework-m-testing", "framework-m-studio")

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

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs one of the environment's programs, outside the workspace; the caller looks at the outcome."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "UV_", "M_"))}
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env=clean | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def python(self, script: str, *arguments: str) -> str:
        """What a script prints here. Fails with what it wrote to stderr."""
        done = self.run("python", "-I", "-c", script, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def absent(self, *packages: str) -> set[str]:
        """Those of the packages that cannot be imported here."""
        script = "import sys, importlib.util as u\nprint(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
        return set(self.python(script, *packages).split())

    def provenance(self, *distributions: str) -> dict[str, Any]:
        """Version, address of origin and modules of the installed distributions."""
        found: dict[str, Any] = json.loads(self.python(PROVENANCE, *distributions))
        return found


def build_wheels(folder: Path) -> dict[str, Path]:
    """A wheel of each distribution, built with the locked tools of this environment."""
    for name in DISTRIBUTIONS:
        project = ROOT / "libs" / name
        _must(
            [
                sys.executable,
                "-m",
                "build",
                "--no-isolation",
                "--wheel",
                "--outdir",
                str(folder),
                str(project),
            ]
        )
    return {name: next(folder.glob(f"{name.replace('-', '_')}-*.whl")) for name in DISTRIBUTIONS}


def make_environment(folder: Path, requirements: Sequence[str]) -> Environment:
    """A fresh environment with these requirements, their dependencies at the locked versions."""
    uv = _uv()
    _must([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    locked = ["--constraint", str(ROOT / "requirements.lock")]
    _must([uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), *locked, *requirements])
    return Environment(folder)


def _uv() -> str:
    brought = ROOT / ".tools/bin/uv"
    found = str(brought) if brought.exists() else shutil.which("uv")
    assert found, "uv is missing: `make setup` brings it"
    return found


def _must(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
