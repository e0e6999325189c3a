"""`m new app` as somebody does it who installed our wheels, and the image as its Dockerfile describes it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.errors import assert_names
from tests.isolation.conftest import Environments
from tests.isolation.environments import Environment, build_app, install

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

PASSWORD = "a long password"


@pytest.mark.parametrize("name", ["core", "whole"])
def test_without_studio_m_new_says_what_to_install(environment: Environments, name: str) -> None:
    refused = environment(name).run("m", "new", "app", "shop")
    assert (refused.returncode, refused.stdout) == (2, "")
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "`m new`", "pip install framework-m-studio", "`m --help`")


def test_a_new_app_starts_at_once(environment: Environments, tmp_path: Path) -> None:
    developer = environment("developer")
    made = developer.run("m", "new", "app", "shop", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    shop = tmp_path / "shop"
    email, role = "ada@example.com", "Shop Manager"
    created = developer.run(
        "m", "user", "create", email, "--role", role, "--password-stdin", folder=shop, typed=PASSWORD
    )
    assert created.returncode == 0, created.stderr
    with developer.running("m", "start", folder=shop) as address:
        login = {"username": email, "password": PASSWORD}
        token = httpx.post(f"{address}/api/v1/auth/login", json=login).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        made_task = httpx.post(f"{address}/api/v1/Task", json={"title": "Open the shop"}, headers=headers)
        assert made_task.json()["name"] == "TASK-0001"


def test_the_image_is_built_from_its_wheels_alone(
    environment: Environments, wheels: Mapping[str, Path], packages: Path, tmp_path: Path
) -> None:
    """The commands of the Dockerfile's first stage, in a folder that holds what it copies."""
    environment("developer").run("m", "new", "app", "shop", folder=tmp_path)
    shop = tmp_path / "shop"
    shutil.copytree(packages, shop / "wheels")
    stage = (shop / "Dockerfile").read_text().split("FROM ")[1]
    for command in re.findall(r"^RUN (.*)$", stage, re.MULTILINE):
        here = command.replace("/venv", str(tmp_path / "venv")).replace("python ", f"{sys.executable} ")
        done = subprocess.run(["sh", "-c", here], cwd=shop, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
    built = Environment(tmp_path / "venv")
    assert all(built.holds(wheels[name]) for name in ("framework-m", "framework-m-core", "framework-m-standard"))
    assert built.provenance("shop")["shop"]["url"] == shop.as_uri()


def test_the_image_would_serve_and_its_health_check_tells(environment: Environments, tmp_path: Path) -> None:
    """There is no engine here to build it with: the app's wheel, the variables and the commands of the Dockerfile."""
    environment("developer").run("m", "new", "app", "shop", folder=tmp_path)
    for words in (("init",), ("create", "first")):
        assert environment("developer").run("m", "migrate", *words, folder=tmp_path / "shop").returncode == 0, words
    whole = environment("whole")
    install(whole, str(build_app(tmp_path / "shop", tmp_path / "dist")))
    image = (tmp_path / "shop/Dockerfile").read_text()
    variables = dict(re.findall(r"^ +(M_\w+)=(\S*)", image, re.MULTILINE))
    check, command = (json.loads(found) for found in re.findall(r"CMD (\[.*\])", image))
    variables |= {"M_AUTH__SECRET": "0123456789abcdef" * 3}
    folder = tmp_path / "image"
    folder.mkdir()
    for name in re.findall(r"^COPY (\S+\.toml) \./$", image.rpartition("FROM ")[2], re.MULTILINE):
        shutil.copy(tmp_path / "shop" / name, folder)
    migrated = whole.run("m", "migrate", "run", folder=folder, variables=variables)
    assert migrated.returncode == 0, migrated.stderr
    with whole.running(*command, folder=folder, variables=variables) as address:
        assert httpx.get(f"{address}/api/v1/Task").status_code == 401
        there = [part.replace("http://127.0.0.1:8000", address) for part in check]
        assert whole.run(*there).returncode == 0
    assert whole.run(*there).returncode == 1, "nobody serves any longer"
