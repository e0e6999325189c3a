"""`m worker` as a process: what another process writes over HTTP is handled there, and nowhere else."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from .conftest import APP, Run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

HANDLER = (
    APP
    + """
import os
from framework_m import DocCreated, on

class Task(DocType):
    seconds: float = 0.0
    class Meta:
        permissions = {"create": {"Guest": "all"}}

@on("Task", DocCreated)
async def handle(event, documents):
    task = await documents.get("Task", event.document_id)
    begun = Path(f"handled-by-{os.getpid()}-{event.document_id}")
    begun.touch()
    await asyncio.sleep(task["seconds"])
    begun.rename(f"finished-{event.document_id}")
"""
)


@pytest.fixture
def handling(folder: Path) -> Path:
    """The app with a handler that says which process it runs in."""
    (folder / "src" / "tiny" / "__init__.py").write_text(HANDLER)
    return folder


def _write(address: str, seconds: float = 0.0) -> str:
    made = httpx.post(f"{address}/api/v1/Task", json={"seconds": seconds}, timeout=20)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_written_over_http_is_handled_by_the_worker(run: Run, handling: Path, number: int) -> None:
    server = run("start --no-reload --port 0", M_FRAMEWORK__ROLES="web")
    server.wait_until_it_serves()
    first = _write(server.address)
    [warning] = httpx.get(f"{server.address}/ready", timeout=5).json()["warnings"]
    assert "no live process runs tiny.handlers: start one with `m worker`" in warning
    assert not list(handling.glob("handled-by-*"))
    worker = run("worker", M_FRAMEWORK__ROLES="web")
    worker.wait_until(lambda: worker.has_said("is running as worker, relay in development"))
    worker.wait_until((handling / f"finished-{first}").exists)
    second = _write(server.address, 0.5)
    begun = handling / f"handled-by-{worker.process.pid}-{second}"
    worker.wait_until(begun.exists)
    assert "warnings" not in httpx.get(f"{server.address}/ready", timeout=5).json()
    assert worker.end(number) == 0, worker.output
    assert (handling / f"finished-{second}").exists(), "the running handler was not finished"
    assert "Traceback" not in worker.output
    assert server.end() == 0


def test_a_handler_that_runs_too_long_does_not_delay_the_end(run: Run, handling: Path) -> None:
    server = run("start --no-reload --port 0", M_FRAMEWORK__ROLES="web")
    server.wait_until_it_serves()
    worker = run("worker --role worker")
    worker.wait_until(lambda: worker.has_said("is running as worker in"))
    written = _write(server.address, 60.0)
    worker.wait_until((handling / f"handled-by-{worker.process.pid}-{written}").exists)
    assert worker.end() == 0, worker.output
    assert not (handling / f"finished-{written}").exists()
    again = run("worker", M_FRAMEWORK__HANDLER_TIMEOUT_SECONDS="0.5")
    again.wait_until((handling / f"handled-by-{again.process.pid}-{written}").exists)
    assert again.end() == 0, again.output


def test_a_worker_that_is_stopped_while_it_starts_ends_at_once(run: Run, handling: Path) -> None:
    step = '[project.entry-points."framework_m.bootstrap"]\nhang = "tiny:Hang"\n'
    (handling / "pyproject.toml").write_text((handling / "pyproject.toml").read_text() + step)
    hang = "\nclass Hang:\n    order = 70\n    async def run(self, app):\n        Path('hangs').touch()\n"
    (handling / "src" / "tiny" / "__init__.py").write_text(HANDLER + hang + "        await asyncio.sleep(60)\n")
    worker = run("worker")
    worker.wait_until((handling / "hangs").exists)
    assert worker.end() == 0, worker.output


def test_a_worker_that_cannot_start_says_why_in_one_line(run: Run, folder: Path) -> None:
    broken = APP.replace('"create": {"Guest"', '"crate": {"Guest"')
    (folder / "src" / "tiny" / "__init__.py").write_text(broken)
    worker = run("worker")
    assert worker.process.wait(20) == 2
    worker.wait_until(lambda: "crate" in worker.output)
    assert "Traceback" not in worker.output
