"""Our packages on another machine: from the folder that `make packages` makes, and from the index that it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scripts.collect_packages import collect
from tests.errors import assert_names
from tests.isolation.environments import Environment, collect_packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

WHOLE = ("framework-m", "framework-m-core", "framework-m-standard")


@pytest.fixture
def machine(tmp_path: Path) -> Environment:
    """An environment with pip and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    return Environment(tmp_path / "venv")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Any web server over the folder; the address of its index."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()


def install(machine: Environment, *options: str) -> list[dict[str, Any]]:
    """Installs the whole; where each package came from."""
    report = machine.folder / "report.json"
    command = ("pip", "install", "-q", "--no-cache-dir", "--report", str(report), *options, "framework-m")
    done = machine.run(*command, variables={"PIP_CONFIG_FILE": os.devnull})  # this machine's may name other indexes
    assert done.returncode == 0, done.stderr
    assert machine.run("pip", "check").returncode == 0
    return [one["download_info"] for one in json.loads(report.read_text())["install"]]


def test_the_folder_is_enough(machine: Environment, packages: Path, wheels: Mapping[str, Path]) -> None:
    found = install(machine, "--no-index", "--find-links", str(packages))
    assert {one["url"].rpartition("/")[0] for one in found} == {packages.as_uri()}
    assert all(machine.holds(wheels[name]) for name in WHOLE)
    assert machine.run("m", "--help").returncode == 0


def test_the_folder_is_an_index(machine: Environment, packages: Path, wheels: Mapping[str, Path]) -> None:
    with serving(packages) as index:
        found = install(machine, "--index-url", index)
    assert {one["url"].rpartition("/")[0] + "/simple/" for one in found} == {index}
    assert all(one["archive_info"]["hashes"]["sha256"] for one in found)
    assert all(machine.holds(wheels[name]) for name in WHOLE)


def test_what_the_folder_lacks_is_fetched_from_nowhere(machine: Environment, packages: Path, tmp_path: Path) -> None:
    lacking = tmp_path / "lacking"
    shutil.copytree(packages, lacking)
    next(lacking.glob("framework_m_core-*.whl")).unlink()
    done = machine.run("pip", "install", "-q", "--no-index", "--find-links", str(lacking), "framework-m")
    assert done.returncode != 0
    assert_names(done.stderr.splitlines(), "framework-m-core==1.0.0")


def test_only_an_empty_folder_is_filled_and_only_with_ours(packages: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="empty folder"):
        collect(packages, packages)
    with pytest.raises(RuntimeError, match="make build"):
        collect(tmp_path, tmp_path / "packages")


@pytest.mark.parametrize("tag", ["manylinux_2_28_x86_64", "manylinux_2_28_aarch64"])
def test_packages_for_another_platform_are_of_it(wheels: Mapping[str, Path], tmp_path: Path, tag: str) -> None:
    folder = next(iter(wheels.values())).parent
    options = ("--platform", tag, "--python-version", "3.13")
    collect_packages(folder, tmp_path / "packages", *options, pip=tmp_path / "pip")
    built = [one.name for one in (tmp_path / "packages").glob("*.whl") if not one.stem.endswith("-any")]
    machine = tag.rpartition("_2_28_")[2]
    assert built
    assert [name for name in built if machine not in name] == []
