"""`make run STORE=mongo`: the example CRM with its demo data on MongoDB.

On the server that MONGODB_URL names, else on the test server of the dependency group `servers`, which is started, keeps
its data in the example's `.m/`, and ends with the app.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.mongo_server import VARIABLE, OwnMongo
from tests.mongo_variant import install_variant

CRM = Path(__file__).resolve().parents[1] / "examples/crm"


def main(port: str) -> int:
    """Load the demo and serve it until it is interrupted. Return the exit code."""
    with _server() as url, tempfile.TemporaryDirectory() as installed:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(("src", str(install_variant(Path(installed))))),
            "M_MONGO__URL": url,
            "M_MONGO__DATABASE": os.environ.get("M_MONGO__DATABASE", "crm"),
        }
        python = [sys.executable, "-m"]
        loaded = subprocess.run([*python, "crm.demo"], cwd=CRM, env=environment, check=False)
        if loaded.returncode:
            return loaded.returncode
        m = str(Path(sys.executable).with_name("m"))
        return _serve([m, "start", "--port", port], environment)


@contextmanager
def _server() -> Iterator[str]:
    given = os.environ.get(VARIABLE)
    if given:
        print(f"documents are stored on the server of {VARIABLE}", flush=True)
        yield given
        return
    folder = CRM / ".m/mongo"
    server = OwnMongo(folder)
    server.start()
    try:
        print(
            f"{VARIABLE} is not set: started the test server secantusd at {server.url}, with its data in "
            f"{folder.relative_to(CRM.parents[1])}; it is for trying out, not for production",
            flush=True,
        )
        yield server.url
    finally:
        server.stop()


def _serve(command: list[str], environment: Mapping[str, str]) -> int:
    process = subprocess.Popen(command, cwd=CRM, env=environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the whole group, and so to the child itself
    signal.signal(signal.SIGTERM, lambda received, _: process.send_signal(received))
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
