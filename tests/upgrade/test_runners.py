"""Several runs at once, and runs that are killed: every step is done once and whole."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.upgrade.shop import Shop

pytestmark = pytest.mark.slow


WAITING_PATCH = '''"""Wait to be let go."""

import asyncio
from pathlib import Path

from framework_m import Documents

after = "0001_initial"


async def run(documents: Documents) -> None:
    await documents.create("Customer", {"title": "Ada"})
    Path("reached").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.02)
'''
SECONDS = 60


def begun(shop: Shop) -> Shop:
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    shop.write("patches/0001_wait.py", WAITING_PATCH)
    return shop


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


def test_the_second_of_two_runs_waits_and_finds_nothing_to_do(shop: Shop) -> None:
    begun(shop)
    first = shop.begin("migrate", "run")
    wait_for(shop.folder / "reached")
    second = shop.begin("migrate", "run")
    assert second.stdout is not None
    assert "another run of migrations is in progress" in second.stdout.readline()
    (shop.folder / "go").touch()
    assert first.communicate(timeout=SECONDS)[0] == "did 0001_initial\nran 0001_wait\n"
    assert second.communicate(timeout=SECONDS)[0] == "nothing to do\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert shop.rows("SELECT title FROM customer") == [("Ada",)]


def test_runs_that_start_together_do_each_step_once(shop: Shop) -> None:
    begun(shop)
    (shop.folder / "go").touch()
    runs = [shop.begin("migrate", "run") for _ in range(3)]
    said = [run.communicate(timeout=SECONDS)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    steps = [line for text in said for line in text.splitlines() if line.startswith(("did", "ran"))]
    assert steps == ["did 0001_initial", "ran 0001_wait"]
    assert shop.rows("SELECT title FROM customer") == [("Ada",)]


def test_a_killed_run_leaves_no_lock_and_nothing_half_done(shop: Shop) -> None:
    begun(shop)
    first = shop.begin("migrate", "run")
    wait_for(shop.folder / "reached")
    os.kill(first.pid, signal.SIGKILL)
    assert first.communicate(timeout=SECONDS)[0] == "did 0001_initial\n"
    (shop.folder / "go").touch()
    assert shop.m("migrate", "status", code=1).startswith("at 0001_initial\npatch  pending  0001_wait")
    assert shop.m("migrate", "run") == "ran 0001_wait\n"
    assert shop.rows("SELECT title FROM customer") == [("Ada",)]
