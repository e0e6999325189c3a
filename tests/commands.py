"""`m` in a process of its own, as its user runs it, but forked from one that has its imports behind it.

An interpreter that imports anew takes a second for each of the hundreds of commands that the suite runs. What must
start from nothing (imports, servers, wheels) does so in its own tests.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["run_m", "run_python"]

_ROOT = str(Path(__file__).resolve().parents[1])
_PRELOADED = [
    "framework_m",
    "framework_m_core.cli.main",
    "framework_m_core.cli.console",
    "framework_m_core.cli.info",
    "framework_m_standard.bootstrap",
    "framework_m_standard.cli.user",
    "framework_m_standard.cli.migrate",
    "framework_m_standard.http.startup",
    "framework_m_standard.auth.startup",
    "framework_m_standard.memory.startup",
    "framework_m_standard.sql.startup",
    "framework_m_standard.sql.engine.mariadb.driver",
    "framework_m_standard.sql.engine.postgres_driver",
    "framework_m_standard.sql.migrations.adapter",
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, *_PRELOADED])


def run_m(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs `m` with arguments in a folder, with these variables and no others."""
    return _run("from framework_m_core.cli.main import main; main()", ["m", *arguments], cwd, env, stdin, timeout)


def run_python(
    program: str, *, cwd: Path, env: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs Python in a folder, with these variables and no others."""
    return _run(program, ["-c"], cwd, env, "", timeout)


def _run(
    program: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(stdin)
        process = _context.Process(target=_child, args=(program, list(arguments), str(cwd), dict(env), streams))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        outputs = [path.read_text() if path.exists() else "" for path in streams[1:]]
        return subprocess.CompletedProcess(list(arguments), process.exitcode, *outputs)


def _child(program: str, arguments: list[str], cwd: str, env: dict[str, str], streams: list[Path]) -> None:
    modes = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)
    for number, (path, mode) in enumerate(zip(streams, modes, strict=True)):
        os.dup2(os.open(path, mode), number)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(io.FileIO(number, "w", closefd=False)), encoding="utf-8", write_through=True)
        for number in (1, 2)
    )
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = arguments
    sys.path[:] = [place for place in sys.path if place not in {"", ".", _ROOT}]
    sys.path[:0] = [place for place in env.get("PYTHONPATH", "").split(os.pathsep) if place]
    try:
        exec(compile(program, "<test>", "exec"), {"__name__": "__main__"})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
