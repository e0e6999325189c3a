"""An app on MongoDB in an environment without SQL: the wheels of core, standard and the variant alone."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from framework_m_core.bootstrap.plugins.binding import STORE_FAMILY
from tests.isolation.conftest import Environments

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

PROJECT = """
    [project]
    name = "deals"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    deals = "deals"
"""
APP = """
    from decimal import Decimal

    from framework_m import DocType, Field


    class Deal(DocType):
        worth: Decimal = Field(default=Decimal(0), scale=2)

        class Meta:
            permissions = {action: {"Seller": "own"} for action in ("create", "read", "write")}
"""
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture(autouse=True)
def app(tmp_path: Path) -> None:
    """An app of one DocType."""
    for name, text in {"pyproject.toml": PROJECT, "deals.py": APP}.items():
        (tmp_path / name).write_text(dedent(text))


def test_an_app_stores_its_documents_without_sql(
    environment: Environments, mongodb_url: str, mongodb_database: str, tmp_path: Path
) -> None:
    mongo = environment("mongo")
    assert mongo.absent("sqlalchemy", "asyncpg") == {"sqlalchemy", "asyncpg"}
    variables = {"M_MONGO__URL": mongodb_url, "M_MONGO__DATABASE": mongodb_database}
    command = ("m", "user", "create", EMAIL, "--role", "Seller", "--password-stdin")
    created = mongo.run(*command, folder=tmp_path, typed=PASSWORD, variables=variables)
    assert created.returncode == 0, created.stderr
    with mongo.running("m", "start", "--no-reload", folder=tmp_path, variables=variables) as address:
        login = httpx.post(f"{address}/api/v1/auth/login", json={"username": EMAIL, "password": PASSWORD})
        headers = {"authorization": f"Bearer {login.json()['access_token']}"}
        made = httpx.post(f"{address}/api/v1/Deal", json={"worth": "2.50"}, headers=headers)
        assert (made.status_code, made.json()["worth"]) == (201, "2.50")
        assert httpx.get(f"{address}/api/v1/Deal/{made.json()['id']}", headers=headers).json() == made.json()
    assert not list(tmp_path.rglob("*.db"))


@pytest.mark.parametrize(
    ("chosen", "bound", "source"),
    [(None, "mongo", "variant mongo, outranks default (default)"), ("default", "default", "config, outranks mongo")],
)
def test_beside_the_whole_the_variant_is_chosen_unless_config_says_otherwise(
    environment: Environments, mongodb_url: str, tmp_path: Path, chosen: str | None, bound: str, source: str
) -> None:
    variables = {"M_MONGO__URL": mongodb_url} | ({"M_ADAPTERS__STORE": chosen} if chosen else {})
    told = environment("whole with mongo").run("m", "info", "--verbose", folder=tmp_path, variables=variables)
    assert told.returncode == 0, told.stderr
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    for port in STORE_FAMILY:
        assert [line for line in lines if line.startswith(f"{port} {bound} ") and f"by {source}" in line] != [], port
