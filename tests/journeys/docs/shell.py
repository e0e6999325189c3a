"""A shell in which somebody follows a page: folders and variables last, servers run beside it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.journeys.product import ROOT, M, free_port

__all__ = ["Shell", "clean_environment"]

_COMMAND_TIMEOUT_SECONDS = 60
_SERVER = re.compile(r"\bm (start|prod)\b")
_PRELUDE = """
set -euo pipefail
make() { command make --dry-run --directory "$ROOT" "$@"; }
stop() {
  if [ -e "$OWN/server" ]; then
    kill "$(cat "$OWN/server")"
    wait "$(cat "$OWN/server")" || true
    rm "$OWN/server"
  fi
}
serve() {
  stop
  m "$@" --port "$PORT" >>"$OWN/log" 2>&1 </dev/null &
  echo $! >"$OWN/server"
}
"""


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of somebody who has installed the packages and configured nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("M_") and name != "DATABASE_URL"}
    return {**kept, "HOME": str(home), "PATH": f"{M.parent}:{os.environ['PATH']}", "COLUMNS": "120"}


class Shell:
    """Runs blocks one after the other. `make` only says what it would do; servers take a free port."""

    def __init__(self, folder: Path, copied: Path | None = None) -> None:
        """In an empty folder, or in a copy of one."""
        self._own = folder / "own"
        self._home = folder / "home"
        self._port = free_port()
        self._reloads = False
        self._read = 0
        for place in (self._own, self._home):
            place.mkdir(parents=True)
        if copied:
            ignored = shutil.ignore_patterns(".*", "__pycache__")
            shutil.copytree(copied, self._home, ignore=ignored, dirs_exist_ok=True)
        variables = {"OWN": str(self._own), "PORT": str(self._port), "ROOT": str(ROOT)}
        self._bash = subprocess.Popen(
            ["bash", "--norc"], cwd=self._home, env=clean_environment(self._home) | variables, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._do(_PRELUDE)

    def run(self, text: str) -> str:
        """What a block prints. Fails where it does; waits until a server that it starts, or changes, serves."""
        before = self._sources()
        told = self._do(_SERVER.sub(r"serve \1", text.replace("localhost:8000", f"localhost:{self._port}")))
        if server := _SERVER.search(text):
            self._reloads = server[1] == "start"
            self._wait(self._is_healthy, "the server did not become healthy")
            self._read = len(self._log())
        else:
            self._follow(before)
        return told

    def write(self, path: str, text: str) -> None:
        """Writes a file of the folder that the shell is in."""
        before = self._sources()
        file = self._folder() / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self._follow(before)

    def stop(self) -> None:
        """Ends the server, if one runs."""
        self._do("stop")
        self._reloads = False

    def close(self) -> None:
        """Ends the shell and what it has started."""
        self._kill()
        self._bash.communicate()

    def _kill(self) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)

    def _do(self, text: str) -> str:
        mark, script = secrets.token_hex(8), self._own / "block.sh"
        script.write_text(text)
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f". {script} </dev/null\necho {mark}\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        deadline = time.monotonic() + _COMMAND_TIMEOUT_SECONDS
        end = threading.Timer(_COMMAND_TIMEOUT_SECONDS, self._kill)
        end.start()
        try:
            for line in self._bash.stdout:
                if line.rstrip("\n").endswith(mark):
                    return "".join([*lines, line.rstrip("\n").removesuffix(mark)])
                lines.append(line)
        finally:
            end.cancel()
        is_late = time.monotonic() >= deadline
        what = f"this was not done after {_COMMAND_TIMEOUT_SECONDS} seconds" if is_late else "this failed"
        raise AssertionError(f"{what}:\n{text}\nand said:\n{''.join(lines)}\n{self._log()}")

    def _folder(self) -> Path:
        return Path(self._do("pwd").strip())

    def _log(self) -> str:
        log = self._own / "log"
        return log.read_text() if log.exists() else ""

    def _sources(self) -> dict[Path, int]:
        """What the server of an app looks at."""
        if not self._reloads:
            return {}
        found = (path for suffix in ("py", "toml") for path in self._folder().rglob(f"*.{suffix}"))
        return {path: path.stat().st_mtime_ns for path in found}

    def _follow(self, before: dict[Path, int]) -> None:
        """Waits until a changed app has taken over from the one that served."""
        if self._sources() != before:
            self._wait(self._has_taken_over, "the changed app does not serve")
            self._read = len(self._log())

    def _has_taken_over(self) -> bool:
        _, began, since = self._log()[self._read :].rpartition("restarting")
        return bool(began) and "is running on" in since and len(self._workers()) == 1

    def _workers(self) -> list[str]:
        server = (self._own / "server").read_text().strip()
        return Path(f"/proc/{server}/task/{server}/children").read_text().split()

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"http://localhost:{self._port}/health", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def _wait(self, until: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + _COMMAND_TIMEOUT_SECONDS
        while not until():
            assert time.monotonic() < deadline, f"{complaint}:\n{self._log()}"
            time.sleep(0.05)
