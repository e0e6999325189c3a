"""A new app whose store is MongoDB, from `m new app --variant mongo` to migrations in production."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.product import M, Product, email
from tests.mongo_variant import install_variant

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journeys-mongo")]


@pytest.fixture
def shop(tmp_path: Path) -> Product:
    """A new app, in an environment with the variant."""
    subprocess.run(
        [M, "new", "app", "shop", "--variant", "mongo"], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    return Product(tmp_path / "shop", "", {"PYTHONPATH": str(install_variant(tmp_path / "installed"))})


@pytest.mark.parametrize("given", [True, False])
def test_its_tests_run_on_the_server_or_in_memory(shop: Product, mongodb_url: str, given: bool) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "MONGODB_URL"} | shop.environment
    environment |= {"MONGODB_URL": mongodb_url} if given else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(
        command, cwd=shop.app, env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, (done.stdout, done.stderr)


def test_it_starts_and_comes_under_migrations(shop: Product, mongodb_url: str) -> None:
    shop.environment |= {"M_MONGO__URL": mongodb_url, "M_MONGO__DATABASE": f"test_{secrets.token_hex(8)}"}
    shop.passwords["eve"] = secrets.token_urlsafe(12)
    command = ("user", "create", email("eve"), "--role", "Shop Manager", "--password-stdin")
    shop.m(*command, stdin=shop.passwords["eve"] + "\n")
    try:
        shop.start()
        made = shop.client("eve").post("/api/v1/Task", json={"title": "Open the shop"})
        assert (made.status_code, made.json()["name"]) == (201, "TASK-0001")
        shop.stop()
        shop.m("migrate", "init")
        task = shop.app / "src/shop/doctypes/task.py"
        task.write_text(task.read_text().replace("    class Meta:", '    place: str = "here"\n\n    class Meta:', 1))
        shop.m("migrate", "create", "place")
        assert shop.m("migrate", "status", check=False).returncode == 1
        refused = shop.m("user", "list", check=False)
        assert (refused.returncode, "m migrate run" in refused.stderr) == (2, True)
        assert "did 0002_place" in shop.m("migrate", "run").stdout
        shop.start()
        path = f"/api/v1/Task/{made.json()['id']}"
        assert shop.client("eve").get(path).json()["place"] == "here"
    finally:
        shop.kill()
